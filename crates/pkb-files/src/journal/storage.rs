//! Whether a lock holds between machines.
//!
//! A journal's lock is flock(2), which the kernel either keeps for itself or asks the file server for, depending on
//! the file system and how it is mounted. Where it keeps it for itself, two machines can hold the same lock, and
//! two runs with one journal would print letters twice. `/proc/self/mountinfo` tells (proc(5)); the facts by file system:
//!
//! * NFS: flock is a byte-range lock on the server since Linux 2.6.12 (flock(2)); with `local_lock=flock` or `all`, or
//!   `nolock`, it is the client's own (nfs(5)).
//! * SMB: `nobrl` keeps locks from the server (mount.cifs(8)).
//! * Lustre: `localflock` (mount.lustre(8)). OCFS2 and GFS2: `localflocks` (the kernel's documentation of both).
//! * BeeGFS: locks are the client's own unless `tuneUseGlobalFileLocks` is set in its configuration, where it is not by
//!   default; the mount does not tell.
//! * 9p, virtiofs and the shared folders of other hypervisors: servers commonly answer a lock without keeping it, or are
//!   not asked.
//! * FUSE: the kernel keeps locks itself unless the program behind the file system asks for them; those listed do not.
//!
//! A file system that refuses to lock at all says so when the lock is taken ([`super::Journal::open`]).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Fatal;

/// Refuses a journal whose lock would hold on this machine only.
///
/// # Errors
/// [`Fatal::Usage`] with what to do. Where nothing is known of mounts, nothing is refused.
pub fn check(journal: &Path) -> Result<(), Fatal> {
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else {
        return Ok(());
    };
    let Some(path) = real_path(journal) else {
        // Opening it will say what is wrong.
        return Ok(());
    };
    match mount_of(&mounts, &path).and_then(|mount| Some((mount.local_locks()?, mount))) {
        None => Ok(()),
        Some((why, mount)) => Err(Fatal::Usage(format!(
            "{} is on {} ({}, {why}). A lock there does not stop other machines, and two runs with one journal could print \
             letters twice. What to do: put the journal on a file system where a lock stops other machines. If only this \
                 machine runs the \
             campaign: --one-machine",
            journal.display(),
            mount.point.display(),
            mount.file_system
        ))),
    }
}

/// The path without links; of a file that is not there yet, too.
fn real_path(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let not_there_yet = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(not_there_yet)
}

/// A line of `mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    point: PathBuf,
    file_system: &'a str,
    /// Options of the mount and of the file system.
    options: Vec<&'a str>,
}

impl<'a> Mount<'a> {
    /// Reads `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue`; between the options and
    /// the dash are any number of fields.
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(4);
        let (point, options) = (mount.next()?, mount.next()?);
        let mut fields = file_system.split(' ');
        let (file_system, _source) = (fields.next()?, fields.next()?);
        let own = fields.next().unwrap_or_default();
        Some(Self {
            point: unescaped(point).into(),
            file_system,
            options: options.split(',').chain(own.split(',')).collect(),
        })
    }

    /// Why locks here are this machine's own; `None` if they hold for all, or nothing else is known.
    fn local_locks(&self) -> Option<String> {
        let with = |options: &[&str]| {
            let found = self.options.iter().find(|option| options.contains(option));
            found.map(|option| format!("mounted with {option}"))
        };
        match self.file_system {
            "nfs" | "nfs4" => with(&["nolock", "local_lock=flock", "local_lock=all"]),
            "cifs" | "smb3" => with(&["nobrl"]),
            "lustre" => with(&["localflock"]),
            "ocfs2" | "gfs2" => with(&["localflocks"]),
            "afs" => with(&["flock=local"]),
            "beegfs" => Some("unless tuneUseGlobalFileLocks is set".into()),
            "9p" | "virtiofs" | "vboxsf" | "prl_fs" | "vmhgfs" => {
                Some("a folder of the host".into())
            }
            other => {
                let program = other.strip_prefix("fuse.")?;
                LOCAL_FUSE
                    .contains(&program)
                    .then(|| "whose locks stay on this machine".into())
            }
        }
    }
}

/// Programs that bring in files of other machines, or of the host, and take no locks there.
const LOCAL_FUSE: [&str; 12] = [
    "sshfs",
    "rclone",
    "s3fs",
    "gcsfuse",
    "goofys",
    "mount-s3",
    "blobfuse",
    "blobfuse2",
    "curlftpfs",
    "gvfsd-fuse",
    "vmhgfs-fuse",
    "grpcfuse",
];

/// The mount that a path is on: of those above it the nearest, and of several there the last, which covers the others.
fn mount_of<'a>(mounts: &'a str, path: &Path) -> Option<Mount<'a>> {
    let above = mounts.lines().filter_map(Mount::parse);
    above
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

/// Spaces, tabs, line ends and backslashes stand in `mountinfo` as three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..3);
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOUNTS: &str = r"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
40 22 0:45 / /srv/share rw,relatime shared:20 master:3 - nfs4 filer:/export rw,vers=4.2,hard,proto=tcp,local_lock=none,addr=192.0.2.7
41 22 0:46 / /srv/old rw,relatime - nfs filer:/old rw,vers=3,nolock,local_lock=all
42 22 0:47 / /srv/samba rw,relatime - nfs filer:/s rw,vers=3,local_lock=flock
43 22 0:48 / /srv/posix rw,relatime - nfs filer:/p rw,vers=3,local_lock=posix
44 22 0:49 / /mnt/with\040space rw - cifs //filer/x rw,vers=3.1.1,nobrl
45 22 0:50 / /mnt/smb rw - cifs //filer/y rw,vers=3.1.1
46 22 0:51 / /home/me/far rw,nosuid,nodev - fuse.sshfs me@far: rw,user_id=0
47 22 0:52 / /ceph rw - fuse.ceph-fuse ceph-fuse rw
48 22 0:53 / /host rw - 9p hostshare rw,trans=virtio
49 22 0:54 / /scratch rw - beegfs beegfs_nodev rw,cfgFile=/etc/beegfs/beegfs-client.conf
50 22 0:55 / /lustre rw - lustre mgs@tcp:/x rw,flock
51 22 0:56 / /lustre/own rw - lustre mgs@tcp:/x rw,localflock
52 22 0:57 / /twice rw - 9p hostshare rw
53 22 0:58 / /twice rw - ext4 /dev/vdb rw
54 22 0:59 / /plain rw - fuse.fuse-overlayfs fuse-overlayfs rw
";

    fn verdict(path: &str) -> Option<String> {
        mount_of(MOUNTS, Path::new(path)).unwrap().local_locks()
    }

    #[test]
    fn locks_that_hold_on_one_machine_only_are_told_by_the_mount() {
        for path in [
            "/var/x.journal",
            "/srv/share/campaign/x.journal",
            "/srv/shared/x.journal",
            "/srv/posix/x",
            "/mnt/smb/x",
            "/ceph/x",
            "/lustre/x",
            "/twice/x",
            "/plain/x",
        ] {
            assert_eq!(verdict(path), None, "{path}");
        }
        for (path, why) in [
            ("/srv/old/x", "mounted with nolock"),
            ("/srv/samba/x", "mounted with local_lock=flock"),
            ("/mnt/with space/x", "mounted with nobrl"),
            ("/home/me/far/a/b", "whose locks stay on this machine"),
            ("/host/x", "a folder of the host"),
            ("/scratch/x", "unless tuneUseGlobalFileLocks is set"),
            ("/lustre/own/x", "mounted with localflock"),
        ] {
            assert_eq!(verdict(path).as_deref(), Some(why), "{path}");
        }
    }

    #[test]
    fn a_journal_that_is_not_there_yet_is_looked_for_in_its_real_folder() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&real, real.join("link")).unwrap();
        assert_eq!(
            real_path(&real.join("link/x.journal")),
            Some(real.join("x.journal"))
        );
        assert_eq!(real_path(&real.join("nowhere/x.journal")), None);
        assert!(real_path(Path::new("x.journal")).is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ -~\\\\/é\n]{0,200}", path in "/[a-z/]{0,20}") {
            let _ = mount_of(&text, Path::new(&path)).and_then(|mount| mount.local_locks());
        }

        #[test]
        fn a_mount_point_with_any_characters_is_found(name in "[a-z \t\\\\]{1,12}") {
            let escaped: String = name.chars().map(|c| match c {
                ' ' | '\t' | '\\' => format!("\\{:03o}", c as u32),
                c => c.to_string(),
            }).collect();
            let line = format!("40 22 0:45 / /m/{escaped} rw - nfs4 a:/b rw,nolock");
            let path = Path::new("/m").join(&name).join("x.journal");
            prop_assert!(mount_of(&line, &path).unwrap().local_locks().is_some());
        }
    }
}
