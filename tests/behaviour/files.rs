//! Files and volumes as a process finds them.

use crate::ground::Ground;

pub fn a_file_arrives_byte_for_byte_with_its_mode(ground: &Ground) {
    let program = "import os; f = '/etc/plain/settings.ini'; print(repr(open(f).read()), oct(os.stat(f).st_mode & 0o777))";
    assert_eq!(ground.python("plain", 0, program), r"'[a]\nb = $HOME ${c} $(d)\n\n' 0o444");
}

pub fn an_empty_volume_is_the_replicas_own(ground: &Ground) {
    for ordinal in 0..2 {
        assert_eq!(ground.sh("plain", ordinal, "ls -A /scratch; echo mine > /scratch/mine"), "");
    }
}

pub fn a_volume_in_memory_is_there_and_can_be_written(ground: &Ground) {
    assert_eq!(ground.sh("plain", 0, "stat --file-system --format %T /quick && touch /quick/here"), "tmpfs");
}
