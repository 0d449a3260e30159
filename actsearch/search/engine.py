"""The search loop: promote or breed, check, dispatch, collect, score, commit.

Everything that a decision depends on is in the store before it is made, and the decision (a birth
or a heat) is in the store before it is carried out. So the loop may be killed at any line.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from actsearch.expressions import Candidate
from actsearch.runs import Birth, Heat, RunStore, Snapshot, TrainingRow
from actsearch.runs.records import NO_END
from actsearch.search import endings
from actsearch.search.evolution import Breeder, Offspring
from actsearch.search.faults import Faults
from actsearch.search.formulas import read
from actsearch.search.given import Seed
from actsearch.search.ledger import Ledger
from actsearch.search.limits import Limits, n_fruitless
from actsearch.search.litter import Litter
from actsearch.search.quarantine import not_made
from actsearch.search.space import SearchSpace
from actsearch.search.walk import Walk
from actsearch.tasks.protocol import STOPPED, Record, Training
from actsearch.workers import WAIT, Job, Pool

#: A space that gives nothing new in so many births is taken for exhausted.
EXHAUSTED_AFTER = 2000
#: So many expressions of a walk are committed together at most.
WALKED_AT_ONCE = 100
#: So many at least may go on from each stage when a finite space is walked through: there will be
#: no others to take the places.
LAST_PLACES = 8
#: Decisions are made until so many trainings wait, and two for each worker: with a large lag there
#: would else be thousands of births before the first training.
_AHEAD = 64
_N_BEST = 5
#: A training that was stopped so often before the end of the budget ends the session.
STOPPED_AT_MOST = 20
#: Raise it with every change of what is bred, trained or promoted: a run that goes on by other
#: rules than it began with is not the run of its seed.
RULES = 6

Observer = Callable[[Snapshot], None]
Compile = Callable[[Sequence[str]], None]


class Engine:
    """One search on an open store. ``run`` returns when a limit is reached or nothing comes."""

    def __init__(
        self,
        *,
        store: RunStore,
        ledger: Ledger,
        space: SearchSpace,
        seed: int,
        limits: Limits,
        observer: Observer | None = None,
        compile: Compile | None = None,
        seeds: Iterable[Seed] = (),
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._space = space
        self._faults = Faults(space)
        self._breeder = Breeder(space, seed)
        self._walk = Walk(space, self._breeder, ledger.births)
        self._limits = limits
        self._observer = observer
        self._compile = compile
        self._seeds = deque(seeds)
        self._queue: deque[Job] = deque(self._job(*one) for one in ledger.missing())
        self._queue_lock = threading.Lock()  # held for no longer than a look takes
        self._n_queued = len(self._queue)
        self._first_uncompiled = 0  # which of all that were ever queued
        self._uncompiled = [job.training.formula for job in self._queue]
        self._compiled_s = 0.0
        self._in_flight: dict[Job, str] = {}
        self._n_stopped: Counter[Job] = Counter()
        self._counts = {"accepted": 0, "duplicate": 0, "rejected": 0, "screened": 0}
        for birth in ledger.births:
            self._counts[birth.status] += 1
        self._n_fruitless = n_fruitless(ledger.births)
        self._left_out: list[Birth] = []  # they did not fit into the limit of births
        self._ended = False
        self._n_ahead = _AHEAD

    def run(self, pool: Pool) -> str:
        """Search with a pool until a limit is reached, and return why it ended, in words."""
        self._ended = False
        self._n_ahead = _AHEAD + 2 * pool.n_workers
        self._quarantine()
        self._decide()
        self._compile_ahead(pool.n_workers)
        self._tell()
        while True:
            for job, record in pool.stream(self._next_job, deadline=lambda: self._limits.deadline):
                row = self._take(job, record)
                self._decide()
                self._compile_ahead(pool.n_workers)
                self._tell(row)
            # One that was put back may have come when the pool had been told of the end.
            if not self._queue or self._limits.out_of_time():
                return self._ending()

    def _take(self, job: Job, record: Record) -> TrainingRow | None:
        self._in_flight.pop(job, None)
        if record.status == STOPPED:
            self._put_back(job)
            return None
        row = TrainingRow.of(job.key[0], record)
        self._add_training(row)
        return row

    def _put_back(self, job: Job) -> None:
        """Queue again what was stopped early, as by a worker whose clock is ahead of this one's."""
        if self._limits.out_of_time():
            return
        self._n_stopped[job] += 1
        if self._n_stopped[job] >= STOPPED_AT_MOST:
            self._limits = replace(self._limits, deadline=time.time())
            return
        with self._queue_lock:
            self._queue.appendleft(job)
        self._quarantine()  # what speaks against it may have come while it was out

    def _add_training(self, row: TrainingRow) -> None:
        self._store.add_training(row)
        self._ledger.add_training(row)
        if row.status in NO_END:
            self._quarantine()

    def _quarantine(self) -> None:
        """Record what is not to be trained any more, of those that are not out yet."""
        for heat, seed, culprit in self._ledger.quarantined():
            job = self._job(heat, seed)
            try:
                with self._queue_lock:
                    self._queue.remove(job)
            except ValueError:  # it is out, and its guard will tell
                continue
            row = not_made(job.training, culprit)
            self._store.add_training(row)
            self._ledger.add_training(row)

    def _ending(self) -> str:
        if any(n >= STOPPED_AT_MOST for n in self._n_stopped.values()):
            return endings.stopped_early(STOPPED_AT_MOST)
        if self._limits.out_of_time():
            return endings.out_of_time(
                self._limits.budget_s,
                trained=self._ledger.n_trainings > 0,
                compiled_s=self._compiled_s,
            )
        if self._walk.is_over:
            return endings.walked_through(self._walk.size, self._ledger.births)
        if self._exhausted():
            return endings.nothing_new(self._ledger.births, self._n_fruitless)
        births = self._ledger.births
        fruitless = [*births[len(births) - n_fruitless(births) :], *self._left_out]
        return endings.enough_births(self._limits.births, len(births), fruitless)

    def _decide(self) -> None:
        """Send candidates on and breed new ones, as far ahead as the lag allows and workers need.

        When a decision is made is no matter: what it sees is settled by the lag alone.
        """
        self._add_seeds()
        while not self._ended and len(self._queue) < self._n_ahead and self._ledger.may_decide():
            if self._limits.out_of_time():
                self._ended = True
                return
            self._ledger.advance()
            promotion = self._ledger.race.next_promotion()
            if promotion is not None:
                heat = self._ledger.next_heat(promotion)
                self._store.add_heats([heat])
                self._send(heat)
            elif self._walk.is_over:
                self._finish_race()
                return
            elif self._walk.is_on(exhausted=self._exhausted()):
                self._ended = not self._walk_on()
            else:
                self._ended = self._exhausted() or not self._breed()
            self._add_seeds()

    def _add_seeds(self) -> None:
        """Add those whose place is reached; nothing else comes before them."""
        births, heats = self._ledger.births, self._ledger.heats
        while self._seeds and self._seeds[0].place <= (len(births), len(heats)):
            if self._limits.reached_births(len(births)):
                self._ended = True
                return
            seed = self._seeds.popleft()
            litter = Litter(len(births))  # whose twin it may be: it was asked for
            self._add(litter, Offspring(seed.expression, seed.operator, ()))
            self._commit(litter)

    def _walk_on(self) -> bool:
        """Take the next expressions of a finite space, to the next that is trained at most.

        Returns:
            False where the limit of births is reached.
        """
        litter = Litter(len(self._ledger.births))  # nothing is screened: all are to be judged
        # Not too many at once: the clock is looked at between, and what is seen is kept.
        while (
            litter.n_promising == 0
            and not self._walk.is_over
            and len(litter.births) < WALKED_AT_ONCE
        ):
            if self._limits.reached_births(len(self._ledger.births) + len(litter.births)):
                self._left_out = litter.births
                return False
            self._add(litter, self._walk.step())
        self._commit(litter)
        return True

    def _finish_race(self) -> None:
        """Send on who may go on now that all is known; there will be no more candidates."""
        if self._ledger.missing():
            return
        self._ledger.advance(len(self._ledger.heats))
        heats: list[Heat] = []
        race = self._ledger.race
        while (promotion := race.next_promotion(LAST_PLACES)) is not None:
            heats.append(self._ledger.next_heat(promotion))
            self._ledger.add_heat(heats[-1])
        self._store.add_heats(heats)  # all or none: what one of them saw, the others did too
        for heat in heats:
            self._enqueue(heat)
        self._ended = not heats

    def _breed(self) -> bool:
        """Breed offspring until one is worth its first heat, and commit all; False at the end.

        Where the surrogate can tell, several are bred and the most promising is trained. They are
        committed together: a litter that was cut short would choose another one.
        """
        first, breeder = len(self._ledger.births), self._breeder
        wants_random = self._ledger.n_accepted_random < self._space.evolution.random_births
        n_wanted = 1 if wants_random else self._size_of_litter(first)
        screening = self._space.screening
        litter = Litter(first, screening.twin, screening.exploration)
        parents = self._ledger.parents()
        while litter.n_promising < n_wanted and not self._exhausted():
            number = first + len(litter.births)
            if self._limits.reached_births(number):
                self._left_out = litter.births
                return False
            # A small space may not hold as many random trees as were asked for.
            if wants_random and self._n_fruitless < EXHAUSTED_AFTER // 2:
                offspring = breeder.random(number)
            else:
                offspring = breeder.breed(number, parents, litter=first)
            self._add(litter, offspring)
        self._commit(litter)
        return True

    def _size_of_litter(self, number: int) -> int:
        screening = self._space.screening
        if self._breeder.share(number) < screening.unscreened or not self._ledger.surrogate.knows:
            return 1
        return screening.offspring

    def _add(self, litter: Litter, offspring: Offspring) -> None:
        """Check a formula and add it to the litter."""
        expression = offspring.expression
        fingerprint, same_as, reason = self._judge(expression)
        n_before = litter.n_promising
        status = "duplicate" if same_as is not None else "rejected" if reason else "accepted"
        litter.add(
            Birth(
                id=len(self._ledger.births) + len(litter.births),
                operator=offspring.operator,
                parents=offspring.parents,
                formula=str(expression),
                fingerprint=fingerprint,
                status=status,
                reason=reason or "",
                same_as=same_as,
                size=expression.size,
                created_s=time.time(),
            ),
            self._ledger.surrogate.guess(expression) if status == "accepted" else None,
        )
        self._n_fruitless = 0 if litter.n_promising > n_before else self._n_fruitless + 1

    def _commit(self, litter: Litter) -> None:
        """Commit a litter, and send the one that was chosen to its first heat."""
        births, chosen = litter.decided(self._fault, self._penalty)
        heat = None if chosen is None else self._ledger.first_heat(chosen)
        self._store.add_births(births, heat)
        for birth in births:
            self._ledger.add_birth(birth)
            self._counts[birth.status] += 1
        self._n_fruitless = n_fruitless(self._ledger.births)
        if heat is not None and chosen is not None:
            if not self._uncompiled:
                self._first_uncompiled = self._n_queued
            self._uncompiled.append(chosen.formula)
            self._send(heat)

    def _send(self, heat: Heat) -> None:
        """Queue the trainings of a heat that is in the store."""
        self._ledger.add_heat(heat)
        self._enqueue(heat)

    def _enqueue(self, heat: Heat) -> None:
        self._queue.extend(self._job(heat, seed) for seed in heat.seeds)
        self._n_queued += len(heat.seeds)

    def _compile_ahead(self, n_workers: int) -> None:
        """Compile what is queued, all at once, when a worker would soon come upon it.

        A worker compiles by itself what it finds uncompiled; together it costs half.
        """
        n_ready = self._first_uncompiled - (self._n_queued - len(self._queue))
        if self._compile is not None and self._uncompiled and n_ready < n_workers:
            begin_s = time.monotonic()
            self._compile(list(dict.fromkeys(self._uncompiled)))
            self._compiled_s += time.monotonic() - begin_s
            self._uncompiled.clear()

    def _judge(self, expression: Candidate) -> tuple[str | None, int | None, str | None]:
        """Return the fingerprint, the birth that is the same function, and why not to train it.

        Only what can be told fast; ``_fault`` looks at the rest, in those that are to be trained.
        """
        try:
            fingerprint = expression.fingerprint()
            same_as = self._ledger.same_as(fingerprint)
            if same_as is not None:
                return fingerprint, same_as, None
            return fingerprint, None, self._faults.of(expression, fine=False)
        except Exception as error:  # noqa: BLE001 - else this birth would end every resume, too
            return None, None, f"can't be analysed: {type(error).__name__}: {error}"

    def _fault(self, birth: Birth) -> str | None:
        """Return why not to train a birth that ``_judge`` let through: what costs more to see."""
        try:
            self._penalty(birth)  # what can't be judged is turned away here, not later
            return self._faults.of(read(birth.formula))
        except Exception as error:  # noqa: BLE001 - as above
            return f"can't be analysed: {type(error).__name__}: {error}"

    def _penalty(self, birth: Birth) -> float:
        return self._faults.penalty(read(birth.formula))

    def _exhausted(self) -> bool:
        return self._n_fruitless >= EXHAUSTED_AFTER

    def _job(self, heat: Heat, seed: int) -> Job:
        formula = self._ledger.births[heat.birth_id].formula
        return Job((heat.birth_id, seed), Training(formula, heat.rung, seed, heat.pace))

    def _next_job(self) -> Any:
        """Hand out a job; called by the pool, perhaps from another thread, so it never blocks."""
        if self._limits.out_of_time():
            return None
        # Read before the queue: the last births may be queued between the two looks.
        ended = self._ended
        try:
            with self._queue_lock:
                job = self._queue.popleft()
        except IndexError:
            return None if ended else WAIT
        self._in_flight[job] = job.training.formula
        return job

    def _tell(self, latest: TrainingRow | None = None) -> None:
        if self._observer is None:
            return
        self._observer(
            Snapshot(
                run=self._store.name,
                n_births=len(self._ledger.births),
                n_trained=self._ledger.n_trained,
                n_duplicates=self._counts["duplicate"],
                n_rejected=self._counts["rejected"],
                n_screened=self._counts["screened"],
                n_trainings=self._ledger.n_trainings,
                n_by_rung=dict(self._ledger.n_by_rung),
                best=tuple(self._ledger.best(_N_BEST)),
                in_flight=tuple(dict.fromkeys(list(self._in_flight.values()))),
                elapsed_s=self._store.elapsed_s(),
                budget_s=self._limits.budget_s,
                births_limit=self._limits.births,
                latest=latest,
            )
        )
