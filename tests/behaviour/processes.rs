//! What a process finds when it starts.

use crate::ground::Ground;

pub fn the_environment_arrives_byte_for_byte(ground: &Ground) {
    let wanted = concat!(
        "a $ b $$ c $HOME ${HOME} $(HOME) $$(HOME) 'q' \"r\" `s` \\ # t: !u &v *w %x\ttab\nline\n\n",
        "🫖 \u{2028} end "
    );
    let program = "import base64; print(base64.b64encode([e for e in open('/proc/1/environ', 'rb').read().split(b'\\0') if e.startswith(b'NASTY=')][0]).decode())";
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let found = STANDARD.decode(ground.python("plain", 0, program)).unwrap();
    assert_eq!(String::from_utf8(found).unwrap(), format!("NASTY={wanted}"));
}

pub fn an_empty_variable_is_set(ground: &Ground) {
    assert_eq!(ground.sh("plain", 0, "echo \"${EMPTY-absent}|\""), "|");
}

pub fn a_pod_knows_its_name_and_its_address(ground: &Ground) {
    for ordinal in 0..2 {
        let said = ground.sh("plain", ordinal, "echo $POD_NAME $(hostname) $POD_ADDRESS $(hostname -i)");
        let [name, host, address, own] = said.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{said}")
        };
        assert_eq!((name, address), (host, own), "{said}");
    }
}

pub fn a_limit_can_be_read_from_a_variable(ground: &Ground) {
    assert_eq!(ground.sh("plain", 0, "echo $MEMORY_LIMIT"), (64 << 20).to_string());
}

pub fn the_limits_are_those_of_the_profile(ground: &Ground) {
    let memory =
        "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes";
    assert_eq!(ground.sh("plain", 0, memory), (64 << 20).to_string());
    let cpu = "cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)";
    assert_eq!(ground.sh("plain", 0, cpu), "25000 100000");
}

pub fn it_has_kernel_settings_of_its_own(ground: &Ground) {
    let both = "cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/tcp_keepalive_time";
    assert_eq!(ground.sh("plain", 0, both), "321\n123");
    assert_ne!(ground.sh("gate", 0, both), "321\n123");
}

pub fn it_runs_as_the_user_and_its_root_cannot_be_written(ground: &Ground) {
    let line = "id -u; id -g; touch /here 2>/dev/null && echo written || echo refused; pwd";
    assert_eq!(ground.sh("plain", 0, line), "1000\n1000\nrefused\n/scratch");
}

pub fn it_has_productions_time_zone_and_utc_stays_utc(ground: &Ground) {
    assert_eq!(ground.sh("plain", 0, "date +%z; TZ=UTC date +%z"), "+0530\n+0000");
}
