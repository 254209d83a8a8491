//! Names of time zones, as databases and Java's `ZoneId` know them.
use jiff::tz::{Offset, TimeZone};

/// Java's short names, where they are not those of the IANA database.
const SHORT: [(&str, &str); 28] = [
    ("EST", "-05:00"),
    ("MST", "-07:00"),
    ("HST", "-10:00"),
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

pub(super) fn find(name: &str) -> Option<TimeZone> {
    if ["Z", "UTC", "GMT", "UT"].contains(&name) {
        return Some(TimeZone::UTC);
    }
    let of = SHORT.iter().find(|(short, _)| *short == name);
    let name = of.map_or(name, |(_, name)| *name);
    let prefixes = ["UTC", "GMT", "UT"].iter();
    let bare = prefixes
        .filter_map(|prefix| name.strip_prefix(prefix))
        .next()
        .unwrap_or(name);
    if let Some(seconds) = offset(bare) {
        return Some(Offset::from_seconds(seconds).ok()?.to_time_zone());
    }
    // A name alone: the database's default, and files, are not meant.
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain);
    if is_name && let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    // PostgreSQL's own, such as `<+08>-08`.
    name.starts_with('<')
        .then(|| TimeZone::posix(name).ok())
        .flatten()
}

/// Seconds east of `+H`, `+HH`, `+HH:MM`, `+HHMM`, `+HH:MM:SS`; up to 18 hours, as in Java.
fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let colons = rest.len() - digits.len();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i32>().ok();
    let (hours, minutes, seconds) = match (digits.len(), colons) {
        (1, 0) => (number(0, 1)?, 0, 0),
        (2, 0) => (number(0, 2)?, 0, 0),
        (3, 1) => (number(0, 1)?, number(1, 3)?, 0),
        (4, 0 | 1) => (number(0, 2)?, number(2, 4)?, 0),
        (6, 0 | 2) => (number(0, 2)?, number(2, 4)?, number(4, 6)?),
        _ => return None,
    };
    let total = hours * 3_600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= 18 * 3_600).then_some(sign * total)
}
