/** What every step of a run has at hand: the request, the ports, and the ways in which a run writes and speaks. */
import type { AuditCause } from '../domain/book/item.ts';
import type { RunRecord, RunState } from '../domain/reconcile/records.ts';
import { ruleVersion } from '../domain/reconcile/types.ts';
import type { ReconcileLock } from '../domain/safety/lock.ts';
import type { Stage } from '../events/stage.ts';
import type { Book } from '../ports/book.ts';
import type { CommandSender } from '../ports/command-queue.ts';
import type { EventPublisher } from '../ports/event-publisher.ts';
import type { LastPrices } from '../ports/last-price.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { RunLockStore } from '../ports/run-lock.ts';
import { stillPaused } from './conclude.ts';
import { Notices, publishAll, type RunNotice } from './notices.ts';
import type { CanonicalJson } from './plan-store.ts';
import { wordsOf } from './reconcile-error.ts';
import type { RunRequest } from './request.ts';
import type { ReconcileSettings, ReconcileStreamer } from './rules.ts';
import type { RunLog } from './run-log.ts';
import { changeStanding, type Standing, type StandingChange } from './state.ts';
import { unjudged } from './unjudged.ts';

export interface RunOptions {
  readonly stage: Stage;
  readonly settings: ReconcileSettings;
  readonly streamers: readonly ReconcileStreamer[];
  readonly book: Book;
  readonly runLocks: RunLockStore;
  /** The command queue of a streamer. */
  readonly sender: (streamer: ReconcileStreamer) => CommandSender;
  readonly snapshots: Pick<ObjectStore, 'get'>;
  /** The bucket of reconcile. */
  readonly store: Pick<ObjectStore, 'get' | 'put'>;
  /** For recommendations; without it they say that there is no price. */
  readonly lastPrices?: LastPrices;
  readonly publisher: EventPublisher;
  readonly log: RunLog;
  readonly canonicalJson: CanonicalJson;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Six hexadecimal digits, anew each time. */
  readonly randomHex: () => string;
  /** A UUID, anew each time. */
  readonly newId: () => string;
  readonly programVersion: string;
}

/** `run_YYYYMMDD_HHMMSS_<6 hex>` */
function newRunId(nowMs: number, hex: string): string {
  const [day = '', time = ''] = new Date(nowMs)
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .split('T');
  return `run_${day}_${time}_${hex}`;
}

export class RunContext {
  readonly request: RunRequest;
  readonly options: RunOptions;
  readonly account: string;
  readonly runId: string;
  readonly startedMs: number;
  /** Fencing token; undefined before the run lock is taken. */
  token: number | undefined;
  /** Of the snapshot; 0 before it came. */
  epoch = 0;

  constructor(request: RunRequest, options: RunOptions) {
    this.request = request;
    this.options = options;
    this.account = request.streamer.account;
    this.startedMs = options.nowMs();
    this.runId = newRunId(this.startedMs, options.randomHex());
  }

  /** Where the run's objects lie in the bucket. */
  get folder(): string {
    return `runs/${this.account}/${this.runId}`;
  }

  get mode(): ReconcileSettings['mode'] {
    return this.request.mode ?? this.options.settings.mode;
  }

  /** The record of the run as it begins. */
  record(): RunRecord {
    const { trigger, by, reason: why } = this.request;
    return {
      runId: this.runId,
      status: 'RUNNING',
      code: '',
      reason: '',
      trigger,
      by,
      why,
      mode: this.mode,
      token: this.token ?? 0,
      startedAtMs: this.startedMs,
      ...unjudged,
      ruleVersion,
    };
  }

  /** The state with this run's record, and everything else as it stands. */
  stateWith(standing: Standing, last: RunRecord): RunState {
    const { state } = standing;
    return {
      last: this.token === undefined ? { ...last, token: state?.last.token ?? 0 } : last,
      memory: state?.memory ?? null,
      lastCompletedMs: state?.lastCompletedMs ?? null,
      lastJudgedMs: state?.lastJudgedMs ?? null,
      planHash: state?.planHash ?? '',
      paused: stillPaused(standing, this.options.nowMs()),
      acknowledged: state?.acknowledged ?? {},
    };
  }

  /**
   * One audited transaction of the run.
   *
   * @returns the lock as it stands then
   * @throws ReconcileError RUN_FENCED, RUN_CONTENTION; BookError
   */
  async change(
    name: string,
    change: (standing: Standing) => StandingChange,
  ): Promise<{ readonly lock: ReconcileLock }> {
    const { trigger, by, reason } = this.request;
    const why = [`${trigger} by ${by}`, reason].filter((word) => word !== '').join(': ');
    const cause: AuditCause = { kind: 'reconcile', id: this.runId, name, reason: why };
    const { account, token } = this;
    const changer = { account, cause, ...(token === undefined ? {} : { token }) };
    return changeStanding(changer, this.options, change);
  }

  notices(): Notices {
    const { stage, nowMs } = this.options;
    return new Notices(stage, this.account, this.runId, nowMs());
  }

  /** Never throws: the book has it already. */
  async publish({ all }: { readonly all: readonly RunNotice[] }): Promise<void> {
    const { publisher, log } = this.options;
    try {
      await publishAll(all, publisher, log);
    } catch (error) {
      log.error('the bus did not answer', { error: wordsOf(error) });
    }
  }
}
