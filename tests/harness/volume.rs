//! A small disk of a test's own: ext4 in a file, which can be filled, and copied as a power cut would leave it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const NEEDS_ROOT: &str = "this test needs root, loop devices and the programs mkfs.ext4, mount and umount";

/// A mounted file system. When the last handle on it is dropped it is unmounted, also while a test fails.
#[derive(Clone)]
pub struct Volume(Arc<Mount>);

struct Mount {
    /// Holds the image and the mount point.
    directory: tempfile::TempDir,
    point: PathBuf,
    /// The file system in memory that the image is in, if it is to have less room than the image promises.
    backing: Option<PathBuf>,
}

impl Volume {
    pub fn new(mib: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        make_image(directory.path(), mib);
        Self::mount(directory, None)
    }

    /// A disk that promises so much and has room for less, as one that is thinly provisioned: it takes everything, and
    /// fails when that is to be synced.
    pub fn thin(mib: u64, real_mib: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let backing = directory.path().join("backing");
        std::fs::create_dir(&backing).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={real_mib}m"), "tmpfs"]).arg(&backing));
        make_image(&backing, mib);
        Self::mount(directory, Some(backing))
    }

    fn mount(directory: tempfile::TempDir, backing: Option<PathBuf>) -> Self {
        let point = directory.path().join("mounted");
        std::fs::create_dir(&point).unwrap();
        let mount = Mount { directory, point, backing };
        mount.mount();
        Self(Arc::new(mount))
    }

    /// Takes away what room a thin disk really has left.
    pub fn exhaust(&self) {
        let mut ballast = File::create(self.ballast_of_backing()).unwrap();
        while ballast.write_all(&[7; 4096]).is_ok() {}
    }

    /// Gives it back.
    pub fn replenish(&self) {
        std::fs::remove_file(self.ballast_of_backing()).unwrap();
    }

    fn ballast_of_backing(&self) -> PathBuf {
        self.0.backing.as_ref().expect("a thin disk").join("ballast")
    }

    /// Makes it read-only in the middle, as the system does after an error.
    pub fn stop_writes(&self) {
        run(Command::new("mount").args(["-o", "remount,abort"]).arg(&self.0.point));
    }

    /// Takes it out and puts it in again: what is there then is what had reached it. Nobody may be using it.
    pub fn mount_again(&self) {
        run(Command::new("umount").arg(&self.0.point));
        self.0.mount();
    }

    /// What would be there after a power cut at this moment: whatever has reached the image, and
    /// nothing that is still in the file system's memory.
    pub fn after_power_cut(&self) -> Self {
        let (image, copy) = (self.0.image(), tempfile::tempdir().unwrap());
        let modified = || image.metadata().unwrap().modified().unwrap();
        // A copy is of one moment if nothing was written meanwhile.
        loop {
            let before = modified();
            run(Command::new("cp").arg("--sparse=always").arg(&image).arg(copy.path().join("image")));
            if modified() == before {
                return Self::mount(copy, None);
            }
        }
    }

    /// Puts everything so far out of the reach of power cuts.
    pub fn sync(&self) {
        rustix::fs::syncfs(File::open(&self.0.point).unwrap()).unwrap();
    }

    /// How much room is left for everyone.
    pub fn free_bytes(&self) -> u64 {
        let figures = rustix::fs::statvfs(&self.0.point).unwrap();
        figures.f_bavail * figures.f_frsize
    }

    /// Takes room away until only so much is left, in an instant; or gives it back.
    pub fn leave_free(&self, bytes: u64) {
        let ballast = File::create(self.0.point.join("ballast")).unwrap();
        let excess = self.free_bytes().saturating_sub(bytes);
        if excess > 0 {
            rustix::fs::fallocate(&ballast, rustix::fs::FallocateFlags::empty(), 0, excess).unwrap();
        }
    }
}

impl AsRef<Path> for Volume {
    fn as_ref(&self) -> &Path {
        &self.0.point
    }
}

impl Mount {
    fn image(&self) -> PathBuf {
        self.backing.as_deref().unwrap_or(self.directory.path()).join("image")
    }

    fn mount(&self) {
        // -o loop: the loop device goes with the mount.
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(&self.point));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let umount = |lazily: &[&str], point: &Path| {
            let status = Command::new("umount").args(lazily).arg(point).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        for point in [Some(&self.point), self.backing.as_ref()].into_iter().flatten() {
            // Lazily: what keeps it in use is on its way out.
            let _ = umount(&[], point) || umount(&["--lazy"], point);
        }
    }
}

fn make_image(directory: &Path, mib: u64) {
    let image = directory.join("image");
    File::create(&image).unwrap().set_len(mib << 20).unwrap();
    // -m 0: all of it is for everyone, so that root finds it full when others do.
    run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image));
}

fn run(command: &mut Command) {
    let output = command.output().expect(NEEDS_ROOT);
    assert!(output.status.success(), "{NEEDS_ROOT}: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
