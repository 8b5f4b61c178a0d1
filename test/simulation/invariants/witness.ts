/**
 * Sees everything that happens in a run, in the moment in which it happens, and says what must not be so. It knows the truth
 * (the broker's own record, the prints, every committed transaction) and asks nothing of the code that it watches.
 */
import type { Order } from '@stoqey/ib';
import { canonicalJson } from '../../../lib/aws/audit-hash.ts';
import { bookSort } from '../../../lib/aws/keys.ts';
import type { BookBody } from '../../../lib/domain/book/item.ts';
import type { RunAnswer } from '../../../lib/domain/reconcile/records.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import type { Envelope } from '../../../lib/events/envelope.ts';
import type { ChannelMessage } from '../../../lib/ports/alert-channel.ts';
import type { BookChange } from '../../../lib/ports/book.ts';
import type { PlanAnswer } from '../../../lib/reconcile/plan-desk.ts';
import { isOfBook } from '../../../streamer/outbox.ts';
import type { Commit } from '../memory/dynamodb.ts';
import { type BusEvent, names } from '../world/cloud.ts';
import type { Part } from '../world/part.ts';
import type { StreamerProcess } from '../world/streamer.ts';
import { startMs, type World } from '../world/world.ts';
import { BookMirror, mirrored } from './book-mirror.ts';
import { Holdings } from './booked.ts';
import type { InvariantName, Violation } from './names.ts';
import { checkRun } from './runs.ts';
import { checkWriting } from './sending.ts';
import { checkTold } from './told.ts';
import { type BookWrite, checkTransaction } from './transactions.ts';

export interface Raised {
  readonly alert: string;
  readonly subject: string;
  readonly atMs: number;
}

export interface RecordedEvent {
  readonly event: Envelope;
  readonly process: StreamerProcess;
}

/** After so many, more of them say nothing more. */
const violationsMax = 20;

export class Witness {
  readonly world: World;
  readonly book = new BookMirror();
  readonly violations: Violation[] = [];
  readonly trace: string[] = [];
  readonly commands: { readonly id: string; readonly type: string }[] = [];
  readonly answers: EventData<'command.answered'>[] = [];
  /** On the bus. */
  readonly raisedAlerts: Raised[] = [];
  /** Told to people. */
  readonly toldAlerts = new Set<string>();
  readonly events = new Map<string, RecordedEvent>();
  /** Events that found no room in an outbox, and have not come back to it. */
  readonly waiting = new Map<string, RecordedEvent>();
  readonly onBusIds = new Set<string>();
  readonly busEvents: BusEvent[] = [];
  readonly disksLost = new Set<string>();
  /** How often each order was written to a socket, and with which id. */
  readonly written = new Map<string, { readonly orderId: number; times: number }>();
  readonly unresolvedIn = new Map<string, number>();
  readonly backups: string[] = [];
  /** The last one that was made while the book was changed. */
  busyBackup: string | undefined;
  /** Items of the book that a hand has spoilt. */
  readonly spoilt = new Set<string>();
  /** Orders that were filled behind their cancel. */
  readonly crossed = new Set<number>();
  readonly holdings: Holdings;
  /** Where in those sizes each process is with what it has told of a contract. */
  readonly toldSizes = new Map<string, number>();
  /** What every change has made of an item, by the version that it had before: `LOCK@3`. Versions begin anew after a deletion. */
  readonly #changes = new Map<string, { readonly by: string; readonly body: BookBody | undefined }[]>();
  /** So often has the book been changed. */
  changes = 0;
  /** Terms of the lease that began. */
  terms = 0;
  /** Of reconcile, ended. */
  runs = 0;
  /** Plans that were carried out in part or in full, by hash. */
  readonly applied = new Set<string>();
  /** Plans that somebody has said yes to, by hash. */
  readonly approved = new Set<string>();
  /** Numbers of the actions that were carried out, by the plan's hash. */
  readonly carriedOut = new Map<string, Set<number>>();
  /** Whatever a service refused at some time: what is only said once may be lost with it. */
  busFailed = false;

  constructor(world: World) {
    this.world = world;
    this.holdings = new Holdings(world);
  }

  note(text: string): void {
    this.trace.push(`${String(this.world.time.nowMs - startMs).padStart(8)} ${text}`);
  }

  broken(invariant: InvariantName, message: string): void {
    this.note(`BROKEN ${invariant}: ${message}`);
    if (this.violations.length < violationsMax)
      this.violations.push({ invariant, message, step: this.world.time.steps });
  }

  died(name: string, at: string): void {
    this.note(`${name} dies: ${at}`);
  }

  diskLost({ path, name }: StreamerProcess): void {
    this.note(`${name} loses its disk`);
    this.disksLost.add(path);
  }

  uncaught(part: Part, error: unknown): void {
    this.broken(
      'uncaught',
      `${part.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  recorded(process: StreamerProcess, events: readonly Envelope[], refused: readonly Envelope[]): void {
    for (const event of events) {
      if (refused.includes(event)) {
        if (isOfBook(event.type)) this.broken('bounds', `${event.type} ${event.id} found no room`);
        // It waits in the process, and is appended again.
        this.waiting.set(event.id, { event, process });
        continue;
      }
      this.waiting.delete(event.id);
      this.events.set(event.id, { event, process });
      checkTold(this, process, event);
      if (event.type !== 'command.answered') continue;
      this.answers.push(event.data);
      const { commandId, key, answer, code } = event.data;
      this.note(`answer ${commandId.slice(0, 8)} ${key} ${answer} ${code}`);
    }
  }

  began(process: StreamerProcess, token: number): void {
    this.terms += 1;
    this.note(`${process.name} begins the term ${token}`);
  }

  onBus(event: BusEvent): void {
    const { detail, 'detail-type': type } = event;
    if (!this.onBusIds.has(detail.id)) this.busEvents.push(event);
    this.onBusIds.add(detail.id);
    if (type !== 'alert.raised') return;
    const { alert, subject, message } = detail.data as EventData<'alert.raised'>;
    this.raisedAlerts.push({ alert, subject, atMs: this.world.time.nowMs });
    this.note(`alert ${alert} ${subject}: ${message.slice(0, 160)}`);
  }

  delivered({ alerts }: ChannelMessage): void {
    for (const { alert, subject } of alerts) this.toldAlerts.add(`${alert} ${subject}`);
  }

  buried(what: string, letter: string): void {
    this.broken('bounds', `${what} was put aside: ${letter}`);
  }

  backedUp(id: string, isBusy: boolean): void {
    this.backups.push(id);
    if (isBusy) this.busyBackup = id;
    this.note(`backup ${id}`);
  }

  planned(request: unknown, { plan_hash, plan_state, code }: PlanAnswer): void {
    const { action = 'apply' } = request as { readonly action?: string };
    this.note(`plan ${action} ${plan_hash.slice(0, 8)} ${plan_state} ${code}`);
  }

  reconciled(answer: RunAnswer): void {
    const { run_id, status, code, summary, lock, reason } = answer;
    this.note(`${run_id} ${status} ${code} ${summary} lock ${lock.state}: ${reason.slice(0, 120)}`);
    this.runs += 1;
    checkRun(answer, this);
  }

  /** The holder of the lease, as the table has it now. */
  get lease(): { readonly token: number; readonly released: boolean } | undefined {
    const row = this.world.cloud.tables.item(names.control, 'A#DU1234567', 'LEASE')?.value;
    if (row === undefined) return undefined;
    return { token: Number(row.token ?? 0), released: row.released === true };
  }

  writing(process: StreamerProcess, orderId: number, order: Order): void {
    this.note(`${process.name} writes ${(order.orderRef ?? '').slice(0, 9)} ${orderId}`);
    checkWriting(this, process, orderId, order);
  }

  asking(process: StreamerProcess): void {
    const { lease } = this;
    if (lease?.token !== process.token || lease.released)
      this.broken(
        'two-streamers',
        `${process.name} writes under the token ${process.token}; the lease's is ${lease?.token}`,
      );
  }

  committed({ by, changes }: Commit): void {
    const writes: BookWrite[] = [];
    for (const { table, sk: sort, after } of changes) {
      if (table !== names.book) continue;
      writes.push({ sort, before: this.book.items.get(sort), after: after && mirrored(after.attributes) });
    }
    if (writes.length > 0 || changes.some(({ table }) => table === names.audit))
      checkTransaction(this, writes, changes, by);
    for (const { sort, before, after } of writes) {
      this.changes += 1;
      const place = `${sort}@${before?.version ?? 0}`;
      const made = this.#changes.get(place);
      const one = { by, body: after?.body };
      if (made === undefined) this.#changes.set(place, [one]);
      else made.push(one);
      this.book.set(sort, after);
    }
  }

  /** A part takes these for done: it has written them, or another one with the same request. */
  takenForDone({ name }: Part, { writes, cause }: BookChange): void {
    for (const { ref, expectedVersion, body } of writes) {
      const place = `${bookSort(ref)}@${expectedVersion}`;
      const made = this.#changes.get(place) ?? [];
      const isDone =
        made.some(({ by }) => by === name) || made.some((one) => textOf(one.body) === textOf(body));
      if (!isDone)
        this.broken('written', `${name} takes ${cause.name} for done, and nobody wrote that of ${place}`);
    }
  }

  /** Events of a process whose disk is there. */
  *ownEvents(): Generator<RecordedEvent> {
    for (const recorded of this.events.values())
      if (!this.disksLost.has(recorded.process.path)) yield recorded;
  }
}

function textOf(body: BookBody | null | undefined): string {
  return canonicalJson((body ?? null) as never);
}
