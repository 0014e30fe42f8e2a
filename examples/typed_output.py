"""Typed on both sides: input by parameter names, output as dataclasses."""

from dataclasses import dataclass

from conductor_fast import WorkerHost


@dataclass
class Line:
    """A line of an invoice."""

    article: str
    cents: int


@dataclass
class Invoice:
    """What the task puts out: dataclasses may hold lists, dicts and other dataclasses."""

    customer: str
    lines: list[Line]
    total_cents: int


def invoice_worker(customer: str, prices: dict[str, int], discount_cents: int = 0) -> Invoice:
    """Each parameter gets the input of its name; one with a default may be missing from the input.

    A task without `customer` fails without a retry, and the reason names what is missing.
    """
    lines = [Line(article, cents) for article, cents in prices.items()]
    return Invoice(customer, lines, sum(prices.values()) - discount_cents)


def main() -> None:
    host = WorkerHost()
    # Up to ten tasks are taken at once and run side by side, in threads.
    host.start_worker("invoice_task", invoice_worker, batch_size=10, poll_interval=1.0)

    print("Working on invoice_task; Ctrl-C ends it.")
    host.wait()


if __name__ == "__main__":
    main()
