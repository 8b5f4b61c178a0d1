/** A staged plan on a real book, with everything that approving and applying it needs; what is said and sent is kept. */
import { appendFileSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canonicalJson, digest } from '../../lib/aws/audit-hash.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { AuditRow } from '../../lib/domain/audit/row.ts';
import type { BookBody, BookRef } from '../../lib/domain/book/item.ts';
import {
  type PlanRecord,
  planBody,
  planRecord,
  planRef,
  readPlanRecord,
} from '../../lib/domain/reconcile/records.ts';
import type { Plan, PlanAction } from '../../lib/domain/reconcile/types.ts';
import type { Flags } from '../../lib/domain/safety/flags.ts';
import type { Book } from '../../lib/ports/book.ts';
import {
  type IdentityVerifier,
  type ProvenIdentity,
  proofHeader,
  proofText,
} from '../../lib/ports/identity-proof.ts';
import type { ApprovePorts } from '../../lib/reconcile/approve-plan.ts';
import type { PlanNotice } from '../../lib/reconcile/plan-desk.ts';
import { storePlan } from '../../lib/reconcile/plan-store.ts';
import { type BookTables, createBookTables } from './book-tables.ts';
import { collect, type DynamoEngine } from './dynamo-engine.ts';
import { FolderBucket } from './folder-bucket.ts';

export const account = 'DU1';
export const startMs = Date.UTC(2026, 0, 5, 14, 35);
export const awsAccount = '111122223333';
export const anna = `arn:aws:sts::${awsAccount}:assumed-role/DeskOperator/anna`;
export const execute: Flags = {
  DRY_RUN: false,
  SAFE_MODE: false,
  DRY_RUN_CONFIRM: true,
  FORCE_SYNC_DELETE: false,
};

/** Who is named in the "signature"; the same signature twice is a replay. */
export function proofBy(arn: string, hash: string, signature: string, purpose = 'approve' as const) {
  return {
    hash,
    account,
    reason: 'compared with TWS',
    proof: { url: `${arn} ${signature}`, headers: { [proofHeader]: proofText(purpose, hash) } },
  };
}

/** Takes the identity from the proof's URL, and its plan from the header, as STS and its verifier do it. */
export const identities: IdentityVerifier = {
  async verify({ url, headers }, purpose, planHash): Promise<ProvenIdentity> {
    const [arn = '', signature = ''] = url.split(' ');
    if (headers[proofHeader] !== proofText(purpose, planHash)) {
      return { ok: false, code: 'APPROVAL_OTHER_PLAN', problem: 'it was signed for another plan' };
    }
    return { ok: true, arn, awsAccount: arn.split(':')[4] ?? '', sha256: digest(signature) };
  },
};

export function position(conId: number, size: string, version = 0): PlanAction {
  return {
    id: `position:${conId}`,
    kind: version === 0 ? 'to_insert' : 'to_update',
    cures: ['POSITION_MISMATCH'],
    subject: `position ${conId}`,
    summary: `position ${conId} -> ${size}`,
    changes: [],
    orderKey: '',
    writes: [{ ref: { kind: 'position', id: String(conId) }, expectedVersion: version, body: { size } }],
    cancel: null,
  };
}

export function order(key: string, status: string, version = 0, more: Partial<PlanAction> = {}): PlanAction {
  return {
    ...position(1, ''),
    id: `order:${key}`,
    kind: version === 0 ? 'to_insert' : 'to_update',
    cures: ['ORDER_STATUS_MISMATCH'],
    subject: `order ${key}`,
    orderKey: key,
    writes: [{ ref: { kind: 'order', id: key }, expectedVersion: version, body: { status } }],
    ...more,
  };
}

export function cancelOf(permId: number): PlanAction {
  return {
    ...position(1, ''),
    id: `cancel:P${permId}`,
    kind: 'cancel',
    cures: ['ORDER_STATUS_MISMATCH'],
    subject: `orphan P${permId}`,
    orderKey: `P${permId}`,
    writes: [],
    cancel: { permId, clientId: 7, orderId: permId },
  };
}

export class PlanDesk {
  readonly tables: BookTables;
  readonly bucket = new FolderBucket(mkdtempSync(path.join(tmpdir(), 'evenkeel-plans-')));
  readonly said: PlanNotice[] = [];
  readonly sent: { id: string; group: string; body: string }[] = [];
  backups = 0;
  nowMs = startMs;
  ports: ApprovePorts;

  constructor(tables: BookTables) {
    this.tables = tables;
    this.ports = {
      stage: 'sandbox',
      book: tables.book,
      plans: this.bucket,
      canonicalJson,
      digest,
      massChange: { share: '0.2', atLeast: 10 },
      identities,
      approvers: { awsAccount, patterns: ['*'] },
      backup: async () => {
        this.backups += 1;
        return { id: `db_backup_20260105_14350${this.backups}` };
      },
      commands: () => ({ send: async (command) => void this.sent.push(command) }),
      tell: async (notice) => void this.said.push(notice),
      nowMs: () => this.nowMs,
      sleep: async () => undefined,
    };
  }

  static async open(
    engine: DynamoEngine,
    prefix: string,
    flags: Partial<Flags> = execute,
  ): Promise<PlanDesk> {
    const desk = new PlanDesk(await createBookTables(engine, prefix));
    await desk.setFlags(flags);
    return desk;
  }

  async setFlags(flags: Partial<Flags>): Promise<void> {
    const store = new SafetyStore({ book: this.tables.another(), nowMs: () => this.nowMs });
    await store.setFlags(account, flags, { who: 'somebody', reason: 'test' });
  }

  planOf(actions: readonly PlanAction[], more: Partial<Plan> = {}): Omit<Plan, 'hash'> {
    return {
      account,
      runId: 'run_20260105_143500_4be1c2',
      createdAtMs: startMs,
      expiresAtMs: startMs + 3_600_000,
      ruleVersion: 1,
      snapshotSha256: 'a'.repeat(64),
      actions,
      ambiguous: [],
      rests: [],
      ...more,
    };
  }

  /** As a run stages it. */
  async stage(
    actions: readonly PlanAction[],
    more: Partial<Plan> = {},
    record: Partial<PlanRecord> = {},
  ): Promise<string> {
    const { plan, key, content } = await storePlan(this.bucket, this.planOf(actions, more), canonicalJson);
    const body = planBody({ ...planRecord(plan, { key, content }), ...record });
    await this.put(planRef(plan.hash), body, 'reconcile');
    return plan.hash;
  }

  /** An item, by somebody else. */
  async put(ref: BookRef, body: BookBody | null, writer = 'book-keeper'): Promise<void> {
    const book = this.tables.another();
    const [item] = await book.read(account, [ref]);
    const result = await book.commit({
      account,
      writer,
      cause: { kind: 'event', id: 'e', name: 'test', reason: '' },
      atMs: this.nowMs,
      orderKey: '',
      writes: [{ ref, expectedVersion: item?.version ?? 0, body }],
    });
    if (result !== 'committed') throw new Error(`${ref.kind} ${ref.id} was not written`);
  }

  async item(kind: BookRef['kind'], id: string) {
    const [item] = await this.tables.another().read(account, [{ kind, id }]);
    return item;
  }

  async record(hash: string): Promise<PlanRecord> {
    return readPlanRecord((await this.item('plan', hash))?.body)!;
  }

  async flag(name: keyof Flags): Promise<unknown> {
    return (await this.item('flags', ''))?.body[name];
  }

  rows(writer = 'plan'): Promise<AuditRow[]> {
    return collect(this.tables.audit.rows(account, writer));
  }

  /** What the trail says of a plan, in order. */
  async trail(writer = 'plan'): Promise<string[]> {
    return (await this.rows(writer)).map(({ cause }) => cause.name);
  }

  events(type: PlanNotice['type']) {
    return this.said.filter((notice) => notice.type === type).map(({ data }) => data);
  }
}

/**
 * What two processes share: commands, events and backups are files beside the bucket's objects.
 *
 * @param step called before each step: a read, or an effect (a change of the book, the backup, a command, an event)
 */
export function sharedPorts(
  book: Book,
  bucket: FolderBucket,
  step: (kind: 'read' | 'effect') => void,
): ApprovePorts {
  const note = (file: string, line: string) => appendFileSync(path.join(bucket.folder, file), `${line}\n`);
  return {
    stage: 'sandbox',
    book: {
      read: (...args) => {
        step('read');
        return book.read(...args);
      },
      commit: (change) => {
        step('effect');
        return book.commit(change);
      },
      list: (...args) => book.list(...args),
    },
    plans: {
      get: (key) => {
        step('read');
        return bucket.get(key);
      },
      put: (object) => bucket.put(object),
    },
    canonicalJson,
    digest,
    massChange: { share: '0.2', atLeast: 10 },
    identities,
    approvers: { awsAccount, patterns: ['*'] },
    backup: async () => {
      step('effect');
      note('backups.txt', 'one');
      return { id: 'db_backup_20260105_143500' };
    },
    // As the FIFO queue does it: one id is taken once.
    commands: () => ({
      send: async ({ id, body }) => {
        step('effect');
        const file = path.join(bucket.folder, `command-${id}.txt`);
        if (!existsSync(file)) writeFileSync(file, body);
      },
    }),
    tell: async ({ type, id }) => {
      step('effect');
      note('events.txt', `${type} ${id}`);
    },
    nowMs: () => startMs,
    sleep: async () => undefined,
  };
}
