import { randomUUID } from 'node:crypto';
import type { NewDelivery } from './delivery-store.ts';
import type { ScheduleModel } from './model.ts';
import { executionIdOf } from './schedule-delivery.ts';
import { scheduledInput } from './schedule-input.ts';
import type { StatsCollector } from './stats.ts';

/** The clock is looked at so often at least: it may be set, and a timer waits 25 days at most. */
const LOOK_MS = 60_000;
/** AWS calls within a minute of the time. What is later than that was missed: the machine slept. */
const LATE_MAX_MS = 60_000;

/**
 * Watches the system's clock and hands the calls of the schedules to the dispatcher at their time. What was due while
 * nothing ran is not made up for, as AWS does not make it up either.
 */
export class Scheduler {
  readonly #schedules: readonly ScheduleModel[];
  readonly #accept: (deliveries: readonly NewDelivery[]) => void;
  readonly #stats: StatsCollector;
  readonly #timers = new Map<ScheduleModel, NodeJS.Timeout>();

  constructor(options: {
    schedules: readonly ScheduleModel[];
    accept: (deliveries: readonly NewDelivery[]) => void;
    stats: StatsCollector;
  }) {
    this.#schedules = options.schedules;
    this.#accept = options.accept;
    this.#stats = options.stats;
  }

  start(): void {
    for (const schedule of this.#schedules) {
      if (schedule.enabled) this.#await(schedule, schedule.next(Date.now()));
    }
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Calls a schedule's target now. Throws Error when the template has no schedule of this name. */
  fire(name: string): void {
    const schedule = this.#schedules.find((s) => s.name === name || `${s.group}/${s.name}` === name);
    if (schedule === undefined) {
      const known = this.#schedules.map((s) => s.name).join(', ') || 'none';
      throw new Error(`the template has no schedule ${name}; it has: ${known}`);
    }
    this.#call(schedule, Date.now());
  }

  #await(schedule: ScheduleModel, dueMs: number | undefined): void {
    if (dueMs === undefined) {
      this.#timers.delete(schedule);
      return;
    }
    const waitMs = Math.min(Math.max(dueMs - Date.now(), 0), LOOK_MS);
    this.#timers.set(
      schedule,
      setTimeout(() => this.#look(schedule, dueMs), waitMs),
    );
  }

  #look(schedule: ScheduleModel, dueMs: number): void {
    const nowMs = Date.now();
    if (nowMs < dueMs) {
      this.#await(schedule, dueMs);
      return;
    }
    if (nowMs - dueMs <= LATE_MAX_MS) this.#call(schedule, dueMs);
    else {
      this.#stats.scheduler.missed += 1;
      this.#stats.problem(
        `schedule ${schedule.name} missed its call of ${new Date(dueMs).toISOString()}: the machine was asleep, or its clock was set`,
      );
    }
    this.#await(schedule, schedule.next(Math.max(nowMs, dueMs)));
  }

  #call(schedule: ScheduleModel, dueMs: number): void {
    const requestId = randomUUID();
    const scheduledTime = `${new Date(dueMs).toISOString().slice(0, 19)}Z`;
    this.#stats.scheduler.fired += 1;
    this.#accept([
      {
        kind: 'schedule',
        target: `${schedule.arn} ${scheduledTime}`,
        payload: scheduledInput(
          schedule,
          { scheduledTime, executionId: executionIdOf(requestId) },
          requestId,
        ),
        requestId,
      },
    ]);
  }
}
