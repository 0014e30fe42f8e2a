"""The thirty-two fault tests, and which tests show each.

Rows 3, 6, 7, 8 and 29 are also shown in core's `tests/it` (spool_crash.rs, spool_damage.rs, spooled.rs,
panics.rs).
"""

from __future__ import annotations

ROWS: dict[int, list[str]] = {
    1: ["faults/test_outages.py::test_a_server_that_is_down_at_start_gets_work_done_soon_after_it_is_up"],
    2: ["faults/test_outages.py::test_results_outlast_a_server_that_resets_all"],
    3: ["faults/test_spool.py::test_results_outlive_sigkill_at_random"],
    4: [
        "faults/test_outages.py::test_what_a_killed_worker_held_is_offered_again_after_its_response_timeout",
        "faults/test_spool.py::test_without_a_spool_a_killed_workers_tasks_are_offered_again",
    ],
    5: ["faults/test_spool.py::test_a_kill_while_replaying_loses_nothing"],
    7: ["faults/test_spool.py::test_a_corrupt_spool_is_set_aside_and_the_worker_starts"],
    9: [
        "faults/test_spool.py::test_a_full_disk_stops_polling_and_nothing_is_lost",
        "faults/test_spool.py::test_a_disk_that_takes_nothing_stops_polling_until_it_does",
    ],
    10: ["faults/test_spool.py::test_a_spool_directory_that_cannot_be_used_is_refused_at_start"],
    11: ["faults/test_spool.py::test_an_orphan_is_adopted_once"],
    12: [
        "faults/test_pressure.py::test_retry_after_is_a_lower_bound",
        "faults/test_pressure.py::test_a_retry_after_that_says_nothing_is_ignored",
        "faults/test_pressure.py::test_a_date_in_the_past_means_now",
    ],
    13: [
        "faults/test_outages.py::test_a_type_whose_results_fail_leaves_the_others_alone",
        "faults/test_pressure.py::test_one_poisonous_result_among_good_ones_becomes_a_dead_letter",
    ],
    14: ["faults/test_pressure.py::test_an_outage_by_500_makes_no_dead_letter_and_few_requests"],
    15: ["faults/test_outages.py::test_a_refused_result_becomes_a_small_failure_and_frees_its_thread"],
    16: [
        "faults/test_tokens.py::test_sixty_four_refused_calls_fetch_one_token_and_are_repeated_once",
        "faults/test_pressure.py::test_a_second_refusal_opens_the_auth_breaker_and_nothing_is_lost",
    ],
    17: ["faults/test_tokens.py::test_an_old_token_goes_on_while_no_new_one_can_be_had"],
    18: [
        "faults/test_outages.py::test_a_result_whose_acknowledgement_is_lost_is_posted_again_and_its_task_is_not"
    ],
    19: [
        "faults/test_wire.py::test_tasks_that_came_whole_before_their_poll_was_cut_run_once",
        "faults/test_wire.py::test_a_poll_whose_answer_is_lost_is_counted",
    ],
    20: ["faults/test_wire.py::test_connections_that_the_server_closes_at_random_cost_nothing"],
    21: ["faults/test_wire.py::test_a_drip_ends_and_holds_nobody_up"],
    22: ["faults/test_wire.py::test_what_is_no_batch_is_not_taken_for_one"],
    23: ["faults/test_wire.py::test_a_redirect_is_not_followed_and_the_token_stays_here"],
    24: [
        "faults/test_wire.py::test_a_huge_answer_is_cut_and_memory_stays_bounded",
        "faults/test_wire.py::test_a_compressed_answer_is_refused_as_it_is",
    ],
    25: ["faults/test_wire.py::test_a_poisonous_batch_costs_its_poisonous_tasks_only"],
    26: ["test_bad_payloads.py::test_a_bad_output_between_good_ones"],
    27: [
        "faults/test_drain.py::test_sigterm_hands_back_what_was_not_started",
        "faults/test_drain.py::test_a_drain_that_gives_up_exits_with_4",
        "faults/test_drain.py::test_two_hundred_running_tasks_are_finished_after_sigterm",
        "faults/test_drain.py::test_a_stop_at_any_moment_leaves_no_task_with_this_worker",
        "faults/test_drain.py::test_a_second_sigterm_ends_the_first_process_of_a_container_too",
        "test_process.py::test_a_second_signal_ends_at_once",
    ],
    28: ["faults/test_secrets.py::test_no_secret_and_no_payload_is_shown_whatever_fails"],
    29: [
        "faults/test_exit.py::test_the_interpreter_ends_in_every_manner",
        "faults/test_exit.py::test_an_end_while_a_hundred_tasks_run_takes_no_longer_than_the_drain",
        "faults/test_fork.py::test_a_child_has_a_host_of_its_own_however_it_was_made",
        "faults/test_fork.py::test_an_application_that_is_loaded_before_its_server_forks",
        "faults/test_fork.py::test_a_child_neither_writes_nor_locks_the_results_of_its_parent",
        "faults/test_fork.py::test_a_fork_while_results_are_written_to_disk_blocks_no_child",
        "faults/test_panics.py::test_a_panic_at_an_input_costs_its_task_alone",
        "faults/test_panics.py::test_a_panic_at_an_output_costs_its_task_alone",
        "test_process.py::test_a_host_that_was_not_started_works_after_fork",
    ],
    30: [
        "test_tls.py::test_an_unknown_ca",
        "test_tls.py::test_a_wrong_host_name",
        "test_tls.py::test_an_expired_certificate",
        "test_tls.py::test_a_missing_client_certificate",
        "test_tls.py::test_plain_http_behind_https",
        "test_tls.py::test_verify_ssl_false_takes_any_certificate_and_warns",
    ],
    31: ["test_bad_payloads.py::test_an_input_that_the_server_moved_out_is_not_run"],
    32: ["faults/test_soak.py::test_every_task_has_one_terminal_result_and_nothing_grows"],
}
