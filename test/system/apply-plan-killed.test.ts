/**
 * SIGKILL between any two steps of apply-plan, each of them tried, in a process of its own. Between two reads nothing is
 * different, so the suite kills before each effect, and the proof form before each read as well.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digest } from '../../lib/aws/audit-hash.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import { approvePlan } from '../../lib/reconcile/approve-plan.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import {
  account,
  anna,
  cancelOf,
  order,
  PlanDesk,
  position,
  proofBy,
  sharedPorts,
} from '../helpers/plan-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const child = fileURLToPath(new URL('../helpers/apply-plan-child.ts', import.meta.url));
const atOnce = 4;
const kinds = process.env.EVENKEEL_PROOF === '1' ? 'read,effect' : 'effect';
const actions = [position(1, '7', 1), order('P17', 'Filled'), cancelOf(18)];

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly steps: number;
  readonly answer: { readonly plan_state: string; readonly code: string } | undefined;
}

describe.skipIf(!engineIsHere)(`apply-plan${skipped}`, () => {
  let engine: DynamoEngine;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(() => engine?.stop());

  const approveIn = async (prefix: string, desk: PlanDesk, hash: string, step: number): Promise<Ended> => {
    const args = [child, engine.endpoint, prefix, desk.bucket.folder, hash, String(step), kinds];
    const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    run.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
      run.once('close', (_code, killedBy) => resolve(killedBy));
    });
    const said = text === '' ? undefined : (JSON.parse(text) as { steps: number; answer: Ended['answer'] });
    return { signal, steps: said?.steps ?? 0, answer: said?.answer };
  };

  const staged = async (prefix: string): Promise<{ desk: PlanDesk; hash: string }> => {
    const desk = await PlanDesk.open(engine, prefix);
    await desk.put({ kind: 'position', id: '1' }, { size: '5' });
    return { desk, hash: await desk.stage(actions) };
  };

  /** Whatever happened before: everything is done once, and the trail says so. */
  const isFinished = async (desk: PlanDesk, hash: string): Promise<void> => {
    expect(await desk.record(hash)).toMatchObject({ state: 'applied', done: 3 });
    expect(await desk.item('position', '1')).toMatchObject({ version: 2, body: { size: '7' } });
    expect(await desk.item('order', 'P17')).toMatchObject({ version: 1, body: { status: 'Filled' } });
    expect(await desk.trail()).toEqual([
      'apply begins',
      'backup made',
      'position:1',
      'order:P17',
      'cancel:P18 sending',
      'cancel:P18',
      'applied',
    ]);
    const approvals = (await desk.trail('operator')).filter((name) => name.startsWith('plan approve'));
    expect(approvals).toHaveLength(1);
    expect(readdirSync(desk.bucket.folder).filter((file) => file.startsWith('command-'))).toHaveLength(1);
    expect(readFileSync(`${desk.bucket.folder}/events.txt`, 'utf8')).toContain(
      `plan.applied plan:${hash}:applied`,
    );
    const reports = await verifyAudit(desk.tables.audit, account, digest);
    expect(reports.flatMap(({ finding }) => finding ?? [])).toEqual([]);
  };

  it('S084 killed before each of its steps: begun again it is finished, and no action ran twice', async () => {
    const whole = await staged('whole');
    const { steps, answer } = await approveIn('whole', whole.desk, whole.hash, 0);
    expect(answer).toMatchObject({ plan_state: 'applied', code: '' });
    await isFinished(whole.desk, whole.hash);
    // The approval, its event, seven changes of the plan, the backup, the command and the last event.
    expect(steps).toBeGreaterThanOrEqual(12);

    const points = Array.from({ length: steps }, (_, index) => index + 1);
    const tried: number[] = [];
    const worker = async (): Promise<void> => {
      for (let point = points.shift(); point !== undefined; point = points.shift()) {
        const prefix = `killed-${point}`;
        const { desk, hash } = await staged(prefix);
        const killed = await approveIn(prefix, desk, hash, point);
        expect(killed.signal, `step ${point}`).toBe('SIGKILL');
        // Somebody else goes on; of a plan that was applied meanwhile he is told so, and the event comes all the same.
        const ports = sharedPorts(desk.tables.another(), desk.bucket, () => undefined);
        const again = await approvePlan(proofBy(anna, hash, 'second'), ports);
        expect(['', 'PLAN_ALREADY_APPLIED'], `step ${point}`).toContain(again.code);
        expect(again.plan_state, `step ${point}`).toBe('applied');
        await isFinished(desk, hash);
        tried.push(point);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    expect(tried).toHaveLength(steps);
  });
});
