//! Two threads that claim a record, in every interleaving.

use loom::sync::Arc;
use loom::thread;

use super::super::*;

#[test]
fn a_record_has_one_owner() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let other = Arc::clone(&registry);
        let claim = |registry: &Registry, owner| registry.claim(owner).unwrap();
        let theirs = thread::spawn(move || claim(&other, 1));
        let mine = claim(&registry, 2);
        assert_ne!(mine, theirs.join().unwrap(), "two owners");
    });
}
