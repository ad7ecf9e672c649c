//! The result of a run for people: a table of what was measured, or one row of a sweep.

#![expect(clippy::print_stdout, reason = "a table on standard output")]

use super::latency::Percentiles;
use super::process::Memory;
use super::report::{Entering, Generator, Report, Server, Told};
use super::scene::{Pace, Scene};

/// Prints what was measured, a line for each kind of figure.
pub(crate) fn print(report: &Report) {
    for (name, figures) in lines(report) {
        println!("{name:<18}{figures}");
    }
}

/// The heads of the columns of a sweep.
pub(crate) fn print_head() {
    println!(
        "{:>9} {:>7} {:>12} {:>10} {:>10} {:>11} {:>11} {:>8} {:>6} {:>9}",
        "receivers", "senders", "deliveries/s", "messages/s", "OKs/s", "CPU µs/dlv", "p99 ms", "OK p99", "gen %", "RSS MiB"
    );
}

/// A run of a sweep.
pub(crate) fn print_row(report: &Report) {
    let Report { scene, talk, server, generator, .. } = report;
    let cpu_us = server.as_ref().and_then(|server| server.cpu_us_per_delivery).map(|us| format!("{us:.4}"));
    let rss_mib = server.as_ref().map(|server| format!("{:.1}", server.memory.rss_kib as f64 / 1024.0));
    let p99_ms = |latency: Option<Percentiles>| or_dash(latency.map(|latency| format!("{:.3}", latency.p99 / 1e3)));
    println!(
        "{:>9} {:>7} {:>12.0} {:>10.0} {:>10.0} {:>11} {:>11} {:>8} {:>6.0} {:>9}",
        scene.receivers,
        scene.senders,
        talk.deliveries_per_s,
        talk.messages_per_s,
        talk.oks_per_s,
        or_dash(cpu_us),
        p99_ms(report.delivery_us),
        p99_ms(report.ok_us),
        generator.cpu_percent_of_thread,
        or_dash(rss_mib)
    );
}

fn lines(report: &Report) -> Vec<(&'static str, String)> {
    let mut lines = vec![("scene", scene(&report.scene)), ("entering", entering(&report.entering))];
    if report.scene.senders > 0 {
        lines.extend(talk(&report.talk));
    }
    for (name, latency) in [
        ("delivery", report.delivery_us),
        ("… since sent", report.delivery_since_sent_us),
        ("OK", report.ok_us),
        ("sent late by", report.late_us),
    ] {
        lines.extend(latency.map(|latency| (name, percentiles(latency))));
    }
    if let Some(logins) = &report.logins {
        lines.push(("logins", format!("{} of {}, busy {} times", logins.done, logins.asked, logins.busy)));
        lines.extend(logins.latency_us.map(|latency| ("login", percentiles(latency))));
    }
    if let Some(history) = &report.history {
        lines.push(("history", format!("{} pages of {}, {} refused", history.done, history.asked, history.refused)));
        lines.extend(history.latency_us.map(|latency| ("history page", percentiles(latency))));
    }
    lines.extend(report.transfers.map(|rates| {
        let [up, down] = [rates.up_bytes_per_s, rates.down_bytes_per_s].map(|rate| rate / 1e6);
        ("transfers", format!("{up:.1} MB/s up, {down:.1} MB/s down, {} files", rates.files))
    }));
    if let Some(idle) = &report.idle {
        let pss = idle.pss_bytes_per_connection.map(|bytes| format!(" ({bytes:.0} of Pss)"));
        let (each, pss) = (idle.rss_bytes_per_connection, pss.unwrap_or_default());
        let [before, after] = [idle.before.rss_kib, idle.after.rss_kib];
        lines.push((
            "idle",
            format!("{each:.0} bytes a connection{pss}; {} of them, RSS {before} to {after} KiB", idle.connections),
        ));
    }
    lines.extend(report.server.iter().flat_map(server));
    lines.push(("generator", generator(&report.generator)));
    lines.push(("verdict", verdict(report)));
    lines
}

fn scene(scene: &Scene) -> String {
    let Scene { receivers, senders, size_bytes, seconds, voice, .. } = scene;
    let pace = match scene.pace() {
        Pace::Silent => "nobody speaks".to_owned(),
        Pace::Window(window) => format!("closed loop, {window} on their way"),
        Pace::Pipeline(requests) => format!("closed loop, {requests} not answered for each sender"),
        Pace::Rate(per_s) => format!("open loop, {per_s} messages/s"),
    };
    let voice = format!("{voice:?}").to_lowercase();
    format!("{receivers} receivers, {senders} senders, {size_bytes} B, voice {voice}, {seconds} s; {pace}")
}

fn entering(entering: &Entering) -> String {
    let Entering { logins, seconds, per_s, busy } = entering;
    format!("{logins} logins in {seconds:.2} s, {per_s:.0} a second, busy {busy} times")
}

fn talk(talk: &Told) -> [(&'static str, String); 3] {
    let Told { sent, stored, delivered, heard_beside, lost, doubled, out_of_order, refused, unanswered, .. } = talk;
    [
        (
            "rates",
            format!(
                "{:.0} deliveries/s, {:.0} messages/s, {:.0} OKs/s",
                talk.deliveries_per_s, talk.messages_per_s, talk.oks_per_s
            ),
        ),
        ("messages", format!("{sent} sent, {stored} stored, {delivered} delivered, {heard_beside} heard beside")),
        (
            "faults",
            format!(
                "{lost} lost, {doubled} doubled, {out_of_order} out of order, {refused} refused, {unanswered} not answered"
            ),
        ),
    ]
}

fn percentiles(latency: Percentiles) -> String {
    let Percentiles { count, p50, p90, p99, p99_9, p99_99, max } = latency;
    let figures = [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p99_9), ("p99.99", p99_99), ("max", max)];
    let figures: Vec<_> = figures.iter().map(|(name, us)| format!("{name} {}", time(*us))).collect();
    format!("{} of {count}", figures.join("  "))
}

/// Three digits of a time, in a unit that suits it.
fn time(us: f64) -> String {
    let (value, unit) = match us {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

fn server(server: &Server) -> [(&'static str, String); 2] {
    let Memory { rss_kib, peak_rss_kib, pss_kib } = server.memory;
    let us = |us: Option<f64>| or_dash(us.map(|us| format!("{us:.3}")));
    let cpu = format!(
        "{:.0} % of a core, {} µs a delivery, {} µs a message; {:.0} voluntary and {:.0} involuntary switches/s",
        server.cpu_percent_of_core,
        us(server.cpu_us_per_delivery),
        us(server.cpu_us_per_message),
        server.voluntary_switches_per_s,
        server.involuntary_switches_per_s
    );
    let pss = pss_kib.map_or_else(String::new, |pss| format!(", Pss {pss} KiB"));
    [("server CPU", cpu), ("server memory", format!("RSS {rss_kib} KiB, at its peak {peak_rss_kib} KiB{pss}"))]
}

fn generator(generator: &Generator) -> String {
    let Generator { cpu_percent_of_thread, cpu_percent_of_core, saturated } = generator;
    let warning = if *saturated { ": saturated" } else { "" };
    format!("{cpu_percent_of_thread:.0} % of its core{warning}; {cpu_percent_of_core:.0} % with all threads")
}

fn verdict(report: &Report) -> String {
    if report.sound { "all came, once and in order".into() } else { "NOT SOUND".into() }
}

fn or_dash(words: Option<String>) -> String {
    words.unwrap_or_else(|| "-".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        for (us, words) in [(0.5, "0.50 µs"), (12.34, "12.3 µs"), (999.0, "999 µs"), (1500.0, "1.50 ms"), (2.5e6, "2.50 s")]
        {
            assert_eq!(time(us), words);
        }
    }
}
