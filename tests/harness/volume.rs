//! A small disk of a test's own: ext4 in a file, which can be filled, and copied as a power cut would leave it.

use std::fs::File;
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
}

impl Volume {
    pub fn new(mib: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let image = directory.path().join("image");
        File::create(&image).unwrap().set_len(mib << 20).unwrap();
        // -m 0: all of it is for everyone, so that root finds it full when others do.
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image));
        Self::mount(directory)
    }

    fn mount(directory: tempfile::TempDir) -> Self {
        let (image, point) = (directory.path().join("image"), directory.path().join("mounted"));
        std::fs::create_dir(&point).unwrap();
        // -o loop: the loop device goes with the mount.
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(&point));
        Self(Arc::new(Mount { directory, point }))
    }

    /// What would be there after a power cut at this moment: whatever has reached the image, and
    /// nothing that is still in the file system's memory.
    pub fn after_power_cut(&self) -> Self {
        let (image, copy) = (self.0.directory.path().join("image"), tempfile::tempdir().unwrap());
        let modified = || image.metadata().unwrap().modified().unwrap();
        // A copy is of one moment if nothing was written meanwhile.
        loop {
            let before = modified();
            run(Command::new("cp").arg("--sparse=always").arg(&image).arg(copy.path().join("image")));
            if modified() == before {
                return Self::mount(copy);
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

impl Drop for Mount {
    fn drop(&mut self) {
        let umount = |lazily: &[&str]| {
            let status = Command::new("umount").args(lazily).arg(&self.point).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        // Lazily: what keeps it in use is on its way out.
        let _ = umount(&[]) || umount(&["--lazy"]);
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect(NEEDS_ROOT);
    assert!(output.status.success(), "{NEEDS_ROOT}: {command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
