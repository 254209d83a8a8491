//! Who has a file open.
use std::path::Path;

/// The process that holds a lock on the file, where the system reports it: `process 12 (name)`.
#[cfg(target_os = "linux")]
pub(super) fn of(path: &Path) -> Option<String> {
    use std::{fs, os::linux::fs::MetadataExt as _};
    let file = fs::metadata(path).ok()?;
    let device = file.st_dev();
    let (major, minor) = (
        (device >> 8) & 0xfff,
        (device & 0xff) | ((device >> 12) & 0xfff00),
    );
    let wanted = format!("{major:02x}:{minor:02x}:{}", file.st_ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let held_by = |line: &str| {
        // `1: FLOCK ADVISORY WRITE 4711 fe:00:123 0 EOF`; waiting locks have `->` in front.
        let words: Vec<_> = line.split_ascii_whitespace().skip(1).collect();
        let at = words.iter().position(|w| *w == wanted)?;
        words.get(at.checked_sub(1)?)?.parse::<u32>().ok()
    };
    let process = locks.lines().find_map(held_by)?;
    if process == std::process::id() {
        return Some("this process".to_owned());
    }
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("process {process} ({})", name.trim_end()))
}

/// Not reported by this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: &Path) -> Option<String> {
    None
}
