/**
 * One story, told by everything that is real in the simulation, in `strict` mode: an order that no list has any more, a person's
 * word on it, and the broker that has it after all. A process of its own, as a run is; prints what was seen, as JSON.
 */
import './world/sync-zlib.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import { account } from '../helpers/exactly-once-gateway.ts';
import { goodFlags, setFlags } from './operators.ts';
import { send } from './orders.ts';
import { settled, uuidFrom } from './world/time.ts';
import { World } from './world/world.ts';

const world = new World(17);
const { time, gateway, witness, functions, market } = world;
Object.assign(world.config.reconcile, { mode: 'strict', noStopNeeded: ['GC'] });

/** Whether the lists of orders come without any, which is what they are like after a day. */
let isForgotten = false;
const list = gateway.list.bind(gateway);
gateway.list = (connection, which, reqId) => {
  const isOfOrders = which === 'open-orders' || which === 'completed-orders';
  if (isForgotten && isOfOrders) gateway.unloaded = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };
  list(connection, which, reqId);
  gateway.unloaded = { fromMs: 0, toMs: 0 };
};

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const endMs = time.nowMs + 600_000; !isSo(); await time.step())
    if (time.nowMs > endMs) throw new Error(`${what}, in vain:\n${witness.trace.slice(-40).join('\n')}`);
}

async function reconciled(isSo: () => boolean, what: string): Promise<string> {
  for (let n = 0; n < 8 && !isSo(); n += 1) {
    void functions.reconcile({ trigger: 'operator', by: 'anna', account });
    const atMs = time.nowMs + 20_000;
    await until(() => time.nowMs > atMs, 'a while');
  }
  await until(isSo, what);
  const { state, reason } = witness.book.get('LOCK') ?? {};
  return `${String(state)}: ${String(reason)}`;
}

const isOpen = () => witness.book.get('LOCK')?.state === 'open';
const raised = (text: string) =>
  witness.raisedAlerts.some((each) => `${each.alert} ${each.subject}` === text);

async function tell(): Promise<object> {
  market.begin();
  functions.begin();
  world.begin();
  await until(() => world.serving !== undefined, 'a streamer');
  void setFlags(world, goodFlags);
  gateway.broker.place({
    account,
    clientId: 0,
    orderId: 0,
    instrument: gateway.instrument,
    exchange: '',
    parentId: 0,
    transmit: true,
    terms: { ...marketTerms, quantity: '1', orderType: 'LMT', limitPrice: '1', timeInForce: 'GTC' },
  });
  const bookedNow = () => [...witness.book.of('ORDER#')];
  await until(() => bookedNow().length === 1, 'an order in the book');
  const orderKey = String(bookedNow()[0]![1].orderKey);
  const booked = () => witness.book.get(`ORDER#${orderKey}`);
  const settle = async (): Promise<string> => {
    const before = witness.answers.length;
    send(world, {
      id: uuidFrom(time.random),
      type: 'settle',
      version: 1,
      account,
      by: 'person',
      issuedBy: 'anna',
      issuedAt: new Date(time.nowMs).toISOString(),
      validUntil: new Date(time.nowMs + 30_000).toISOString(),
      orderKey,
      end: 'Cancelled',
      reason: 'the statement has it',
    });
    await until(() => witness.answers.length > before, 'an answer');
    const { answer, code } = witness.answers.at(-1)!;
    return `${answer} ${code}`.trim();
  };

  const lockAtFirst = await reconciled(isOpen, 'an open lock');
  const whileListed = await settle();
  isForgotten = true;
  await until(() => raised(`order_unresolved order ${orderKey}`), 'an alert of what is missing');
  const lockWhileUnresolved = await reconciled(() => !isOpen(), 'a closed lock');
  const whileMissing = await settle();
  await until(() => booked()?.status === 'Cancelled', 'its end in the book');
  const again = await settle();
  const lockAfterwards = await reconciled(isOpen, 'an open lock again');
  isForgotten = false;
  await until(() => raised(`settled_order_working order ${orderKey}`), 'an alert of what works');
  await until(() => booked()?.working === true, 'it open in the book');
  const whenBack = await settle();
  return {
    lockAtFirst,
    whileListed,
    lockWhileUnresolved: lockWhileUnresolved.replace(orderKey, 'KEY'),
    whileMissing,
    again,
    lockAfterwards,
    whenBack,
    placed: gateway.placed.length,
    violations: witness.violations,
  };
}

// Of a process whose file is closed because it was killed: the end of the world is one.
process.on('uncaughtException', (error) => {
  if (error.name === 'Killed') return;
  throw error;
});
time.install();
try {
  console.log(JSON.stringify(await tell()));
} finally {
  world.close();
  await settled();
  time.uninstall();
}
