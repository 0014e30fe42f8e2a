use crate::error::Judgement;

/// A result that gets 500 so often …
const SUSPECTS: u32 = 10;
const CONFLICTS: u32 = 3;

/// What became of the posts of one result. Pure.
#[derive(Debug, Clone, Default)]
pub(super) struct Trials {
    /// That failed, for whatever reason.
    pub(super) failed: u32,
    suspects: u32,
    conflicts: u32,
    /// How many reports the server had taken at the first 500.
    accepted_before: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    /// There is nobody to report to.
    Gone,
    /// The server will never take it.
    DeadLetter,
}

impl Trials {
    /// A post failed; `accepted` reports of any task were taken by then.
    pub(super) fn failed(&mut self, judgement: Judgement, accepted: u64) -> Verdict {
        self.failed = self.failed.saturating_add(1);
        match judgement {
            Judgement::Transient
            | Judgement::Throttled
            | Judgement::Unauthorized
            | Judgement::Misconfigured => Verdict::Retry,
            Judgement::Gone => Verdict::Gone,
            Judgement::Poison => Verdict::DeadLetter,
            Judgement::Conflict => {
                self.conflicts += 1;
                if self.conflicts < CONFLICTS { Verdict::Retry } else { Verdict::DeadLetter }
            }
            Judgement::Suspect => {
                self.suspects = self.suspects.saturating_add(1);
                // … is bad itself only if the server took others meanwhile; else the server is.
                let others = *self.accepted_before.get_or_insert(accepted) < accepted;
                if self.suspects >= SUSPECTS && others { Verdict::DeadLetter } else { Verdict::Retry }
            }
        }
    }

    /// It got 500 often enough, and the server has not been seen to take anything else: is it the server?
    pub(super) fn wants_evidence(&self, accepted: u64) -> bool {
        self.suspects >= SUSPECTS && self.accepted_before == Some(accepted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_each_answer_means_at_each_try() {
        use Judgement::{Conflict, Gone, Misconfigured, Poison, Suspect, Throttled, Transient, Unauthorized};
        for (judgement, others, given_up_at, expected) in [
            (Transient, true, None, Verdict::Retry),
            (Throttled, true, None, Verdict::Retry),
            (Unauthorized, true, None, Verdict::Retry),
            (Misconfigured, true, None, Verdict::Retry),
            (Suspect, false, None, Verdict::Retry),
            (Suspect, true, Some(10), Verdict::DeadLetter),
            (Conflict, false, Some(3), Verdict::DeadLetter),
            (Poison, false, Some(1), Verdict::DeadLetter),
            (Gone, false, Some(1), Verdict::Gone),
        ] {
            let mut trials = Trials::default();
            let accepted = |number: u64| if others { number } else { 0 };
            let ended = (1..100).find_map(|number| {
                let verdict = trials.failed(judgement, accepted(number));
                (verdict != Verdict::Retry).then_some((number, verdict))
            });
            assert_eq!(ended, given_up_at.map(|number| (number, expected)), "{judgement:?} {others}");
        }
    }

    #[test]
    fn an_outage_before_the_first_500_does_not_count() {
        let mut trials = Trials::default();
        (0..50).for_each(|number| _ = trials.failed(Judgement::Throttled, number));
        let verdicts: Vec<_> = (0..10).map(|number| trials.failed(Judgement::Suspect, 50 + number)).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Retry).count(), 9);
        assert_eq!((trials.failed, verdicts[9]), (60, Verdict::DeadLetter));
    }

    #[test]
    fn evidence_is_wanted_of_a_server_that_takes_nothing() {
        let mut trials = Trials::default();
        (0..9).for_each(|_| _ = trials.failed(Judgement::Suspect, 7));
        assert!(!trials.wants_evidence(7));
        trials.failed(Judgement::Suspect, 7);
        assert!(trials.wants_evidence(7) && !trials.wants_evidence(8));
    }

    proptest! {
        /// Row 14: while the server takes nothing, no number of failures makes a dead letter.
        #[test]
        fn an_outage_makes_no_dead_letter(kinds in prop::collection::vec(0_usize..5, 1..200)) {
            let outage = [
                Judgement::Transient,
                Judgement::Throttled,
                Judgement::Suspect,
                Judgement::Unauthorized,
                Judgement::Misconfigured,
            ];
            let mut trials = Trials::default();
            for kind in kinds {
                prop_assert_eq!(trials.failed(outage[kind], 3), Verdict::Retry);
            }
        }
    }
}
