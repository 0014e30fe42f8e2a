//! What a test may do to the server from outside, for Rust, Python and HTTP users alike.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::options::{PushError, PushOptions};
use crate::shared::Shared;
use crate::task_definition::TaskDefinition;

impl Shared {
    pub(crate) fn push(
        &self,
        task_type: &str,
        input_json: &str,
        count: usize,
        options: &PushOptions,
    ) -> Result<Vec<String>, PushError> {
        let input: &RawValue =
            serde_json::from_str(input_json).map_err(|error| PushError::Input(error.to_string()))?;
        if !input.get().starts_with('{') {
            return Err(PushError::Input("it is another JSON value".to_owned()));
        }
        Ok(self.push_unchecked(task_type, input.get().as_bytes(), count, options))
    }

    pub(crate) fn push_unchecked(
        &self,
        task_type: &str,
        input: &[u8],
        count: usize,
        options: &PushOptions,
    ) -> Vec<String> {
        let now = self.clock.now();
        let mut store = self.store();
        let task_ids = store.push(task_type, &Bytes::copy_from_slice(input), count, options, now);
        self.wake_waits(&store);
        task_ids
    }

    pub(crate) fn define(&self, definition_json: &str) -> Result<(), PushError> {
        let value = serde_json::from_str(definition_json)
            .map_err(|error| PushError::Definition(error.to_string()))?;
        let definition = TaskDefinition::from_value(&value, self.clock.now().millis)?;
        let mut store = self.store();
        store.definitions_changed();
        store.definitions.insert(definition);
        Ok(())
    }

    pub(crate) fn cancel(&self, task_id: &str) -> bool {
        let now = self.clock.now();
        let mut store = self.store();
        let canceled = store.cancel(task_id, now);
        self.wake_waits(&store);
        canceled
    }

    /// Lets time do what is due; gives the next moment to call this.
    pub(crate) fn expire(&self) -> Option<std::time::Instant> {
        let now = self.clock.now();
        let mut store = self.store();
        store.expire(now);
        self.wake_waits(&store);
        store.alarms.sleep_until()
    }
}
