//! `mtrelay`, which runs alone.

use crate::Example;

#[test]
fn the_steps_of_mtrelay_are_ready_one_after_the_other() {
    assert_eq!(
        Example::start("mtrelay", &[]).end(),
        ["step 1 is ready", "step 2 is ready", "step 3 is ready"]
    );
}
