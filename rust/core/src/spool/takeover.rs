use std::sync::atomic::Ordering;

use super::adoption::{Adopted, Adoption};
use super::store::Store;
use super::writer::Writer;
use crate::observe::Level;

/// From other files to the thread's own.
impl Writer {
    /// Takes over what ended processes have left.
    pub(super) fn adopt(&mut self) {
        let mut adopted = self.adoption(false).run();
        self.changed = true;
        let waiting = adopted.waiting.len();
        // Before anything else: they are this process's now. The host may be closed.
        let _ = self.found.send(std::mem::take(&mut adopted.waiting));
        self.tell(&adopted, waiting);
    }

    fn tell(&mut self, adopted: &Adopted, waiting: usize) {
        let dead = adopted.dead_letters;
        if waiting + dead > 0 {
            self.log(Level::Info, format!("{waiting} results that ended processes have left are delivered now; {dead} dead letters of theirs are kept"));
        }
        for (path, problem, saved) in &adopted.set_aside {
            self.shared.set_aside.fetch_add(1, Ordering::Relaxed);
            let path = path.display();
            self.log(Level::Error, format!("a file of results was damaged and is now {path}; {saved} results that could be read are kept: {problem}"));
        }
        for (path, problem) in &adopted.left {
            if !self.told.contains(path) {
                self.told.push(path.clone());
                let path = path.display();
                self.log(Level::Warning, format!("the results in {path} are left there: {problem}"));
            }
        }
    }

    /// The file of this process is damaged: goes on with a new one, with all that can be read of the old. False
    /// if that cannot be made.
    pub(super) fn replace_file(&mut self) -> bool {
        let (durability, max_bytes) = (self.settings.durability, self.settings.max_bytes);
        let made = self.directory.new_file().map_err(|error| error.to_string()).and_then(|held| {
            let store = Store::create(&held.path, durability, max_bytes);
            store.map(|store| (held, store)).map_err(|error| error.to_string())
        });
        let (held, store) = match made {
            Ok(made) => made,
            Err(problem) => {
                self.log(Level::Error, format!("no new file of results can be made: {problem}"));
                return false;
            }
        };
        drop(std::mem::replace(&mut self.store, store));
        let damaged = std::mem::replace(&mut self.file, held);
        let mut adoption = self.adoption(true);
        adoption.quarantine(damaged, "found while it was written to".to_owned());
        let adopted = adoption.adopted;
        self.tell(&adopted, 0);
        true
    }

    fn adoption(&mut self, keep_ids: bool) -> Adoption<'_> {
        Adoption {
            directory: &self.directory,
            own: &mut self.store,
            own_path: &self.file.path,
            last_id: &self.shared.last_id,
            keep_ids,
            adopted: Adopted::default(),
        }
    }
}
