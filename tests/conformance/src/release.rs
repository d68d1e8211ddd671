//! Releases of Linux, and the one whose behaviour the devices under test have.

use crate::client::Client;
use crate::sys;
use aseqd_abi::Errno;
use aseqd_wire::proc_text::{PROC_TEXT, Piece, ProcText};
use std::fmt;
use std::str::FromStr;

/// A release of Linux, such as 6.12.117: version, patch level and point release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Release([u16; 3]);

impl Release {
    /// Before all releases.
    pub(crate) const FIRST: Self = Self([0; 3]);
    /// After all releases.
    pub(crate) const NEVER: Self = Self([u16::MAX; 3]);

    /// Returns the release with a name such as `6.12` or `6.12.90`, for the lists of cases.
    pub(crate) const fn named(name: &str) -> Self {
        match Self::parse(name.as_bytes()) {
            Some(release) => release,
            None => panic!("name a release such as 6.12 or 6.12.90"),
        }
    }

    /// Reads a name. What follows the numbers, such as `-rc1` or `+deb13-amd64`, does not count.
    const fn parse(name: &[u8]) -> Option<Self> {
        let mut numbers = [0_u16; 3];
        let (mut field, mut digits, mut at) = (0, 0, 0);
        while at < name.len() {
            match name[at] {
                digit @ b'0'..=b'9' => {
                    // A number with more digits is none of a release.
                    if digits == 4 {
                        return None;
                    }
                    numbers[field] = numbers[field] * 10 + (digit - b'0') as u16;
                    digits += 1;
                }
                b'.' if digits > 0 && field < 2 => (field, digits) = (field + 1, 0),
                _ => break,
            }
            at += 1;
        }
        if field == 0 || digits == 0 { None } else { Some(Self(numbers)) }
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::parse(name.as_bytes()).ok_or_else(|| format!("not a release of Linux: {name}"))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, patch_level, point] = self.0;
        write!(f, "{version}.{patch_level}.{point}")
    }
}

/// Returns the release whose behaviour the devices have: the one that aseqd names, or the running kernel's.
pub(crate) fn of(client: &Client) -> Result<Release, String> {
    let mut piece = Piece::question(ProcText::Version.number(), 0);
    match sys::ioctl(&client.fd, PROC_TEXT, &mut piece) {
        Ok(_) => {
            let text = piece.bytes.get(..piece.len as usize).unwrap_or_default();
            in_text(&String::from_utf8_lossy(text))
        }
        Err(Errno::ENOTTY) => {
            let uname = rustix::system::uname();
            let signature = std::fs::read_to_string("/proc/version_signature").unwrap_or_default();
            let build = format!("{} {signature}", uname.version().to_string_lossy());
            of_kernel(&uname.release().to_string_lossy(), &build)
        }
        Err(errno) => Err(format!("the server does not name a release of Linux: {errno}")),
    }
}

/// Returns the release of a kernel. Distributions leave the point release out of its name and write it elsewhere:
/// Debian calls 6.1.192 `6.1.0-56-amd64` and ends its build with `Debian 6.1.192-1`, Ubuntu has
/// `/proc/version_signature`.
fn of_kernel(name: &str, build: &str) -> Result<Release, String> {
    let named: Release = name.parse()?;
    let elsewhere = build.split_whitespace().filter_map(|word| word.parse::<Release>().ok());
    let same_series = |release: &Release| release.0[..2] == named.0[..2];
    Ok(elsewhere.filter(same_series).max().map_or(named, |release| release.max(named)))
}

/// Reads the release in a text as of `/proc/asound/version`, which ends in `k6.12.117+deb12-amd64.`
fn in_text(text: &str) -> Result<Release, String> {
    let last = text.split_whitespace().next_back().unwrap_or_default();
    last.strip_prefix('k').unwrap_or(last).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_ordered() {
        let names = ["6.1", "6.1.192", "6.12", "6.12.89", "6.12.90", "6.12.117", "6.18", "7.3.4"];
        let releases = names.map(Release::named);
        assert!(releases.is_sorted());
        assert!(Release::FIRST < releases[0] && releases[7] < Release::NEVER);
        assert_eq!(releases[5].to_string(), "6.12.117");
        for name in ["6.12.117+deb12-amd64", "6.12.117-rc2", "6.12.117.", "6.12.117.5"] {
            assert_eq!(name.parse(), Ok(releases[5]), "{name}");
        }
        assert_eq!("7.4-rc1".parse(), Ok(Release([7, 4, 0])));
        for name in ["", "6", "6.", ".12", "linux", "6..1", "6.12345"] {
            assert!(name.parse::<Release>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_point_release_is_found_where_distributions_write_it() {
        let of = |name, build| of_kernel(name, build).map(|release| release.to_string());
        let debian = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-1 (2026-11-12) ";
        assert_eq!(of("6.1.0-56-amd64", debian), Ok("6.1.192".into()));
        let ubuntu =
            "#45-Ubuntu SMP Fri Aug 30 12:02:04 UTC 2024 Ubuntu 6.8.0-45.45-generic 6.8.12\n";
        assert_eq!(of("6.8.0-45-generic", ubuntu), Ok("6.8.12".into()));
        assert_eq!(of("7.3.4-arch1-1", "#1 SMP 12:02:04 UTC"), Ok("7.3.4".into()));
    }

    #[test]
    fn the_text_of_a_server_names_its_release() {
        let text = "Advanced Linux Sound Architecture Driver Version k7.3.4+aseqd.\n";
        assert_eq!(in_text(text), Ok(Release([7, 3, 4])));
        assert!(in_text("").is_err());
    }
}
