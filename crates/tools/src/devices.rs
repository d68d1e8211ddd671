//! The devices behind ports, as the kernel describes them.

use aseqd_client::Port;
use aseqd_rules::Device;
use std::path::{Path, PathBuf};

/// Where the kernel describes its devices.
const SYSFS: &str = "/sys";

/// Fills in the devices of ports that belong to sound cards.
pub fn add_to(ports: &mut [Port]) {
    let mut known: Option<(u32, Device)> = None;
    for port in ports {
        let Some(card) = port.card else { continue };
        // The ports of a card stand together.
        let found = known.take().filter(|(of, _)| *of == card);
        let (_, device) = known.insert(found.unwrap_or_else(|| (card, of_card(card))));
        port.device = device.clone();
    }
}

/// Returns the device behind a sound card. It is the default if there is none.
#[must_use]
pub fn of_card(card: u32) -> Device {
    device(Path::new(SYSFS), card)
}

/// Returns what sysfs says of the device behind a sound card.
fn device(sysfs: &Path, card: u32) -> Device {
    let place = sysfs.join(format!("class/sound/card{card}/device"));
    let Ok(place) = place.canonicalize() else { return Device::default() };
    let read = |folder: &Path, file: &str| {
        let text = std::fs::read_to_string(folder.join(file)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // The card is one of an interface; the folder above is the USB device.
    let usb = place.ancestors().take(3).find(|folder| folder.join("idVendor").exists());
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(usb): Option<PathBuf> = usb.map(Path::to_owned) else {
        return Device { path: name(&place), ..Device::default() };
    };
    let id = read(&usb, "idVendor").zip(read(&usb, "idProduct"));
    Device {
        usb: id.map(|(vendor, product)| format!("{vendor}:{product}").to_lowercase()),
        serial: read(&usb, "serial"),
        path: name(&usb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_card_is_told_by_its_usb_device() {
        let sysfs = tempfile::tempdir().expect("a folder");
        let usb = sysfs.path().join("devices/pci0000:00/usb1/1-2.3");
        fs::create_dir_all(usb.join("1-2.3:1.0")).expect("folders");
        for (file, text) in [("idVendor", "0582\n"), ("idProduct", "012A\n"), ("serial", "X 1\n")] {
            fs::write(usb.join(file), text).expect("a file");
        }
        let pci = sysfs.path().join("devices/pci0000:00/0000:00:1f.3");
        fs::create_dir_all(&pci).expect("a folder");
        for (card, device) in [("card0", &pci), ("card2", &usb.join("1-2.3:1.0"))] {
            let card = sysfs.path().join("class/sound").join(card);
            fs::create_dir_all(&card).expect("a folder");
            symlink(device, card.join("device")).expect("a link");
        }
        let keyboard = Device {
            usb: Some("0582:012a".into()),
            serial: Some("X 1".into()),
            path: Some("1-2.3".into()),
        };
        assert_eq!(device(sysfs.path(), 2), keyboard);
        let built_in = Device { path: Some("0000:00:1f.3".into()), ..Device::default() };
        assert_eq!(device(sysfs.path(), 0), built_in);
        assert_eq!(device(sysfs.path(), 1), Device::default());
    }
}
