/**
 * Loaded before the streamer's own program (`node --import`): gives its process the simulated clock, moves the clock on
 * when the soak says so, and measures the process from within. It knows nothing of the streamer.
 */

import { readdirSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessFigures, SoakAnswer, SoakOrder } from './messages.ts';
import { real, VirtualClock } from './virtual-clock.ts';
import { hasRead, Requests, type WireCount, Wires } from './wires.ts';

/** Real time after which a byte that does not come is a mistake of the soak. */
const PATIENCE_MS = 20_000;
/** Turns of the event loop before it is slept between them. */
const TURNS = 200;

const { SOAK_START_MS: startMs, SOAK_GATEWAY_PORT: gatewayPort } = process.env;
const clock = new VirtualClock(Number(startMs));
const wires = new Wires();
const requests = new Requests();
wires.watchClient((port) => port === Number(gatewayPort));
requests.watch(isLongPoll);
clock.install();
const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();

process.on('message', (message) => {
  const order = message as Partial<SoakOrder>;
  if (order.soak === 'go') void go(order as Extract<SoakOrder, { soak: 'go' }>);
  else if (order.soak === 'measure') tell({ soak: 'measured', figures: measure() });
});

// Whoever moves the clock is gone: nothing that waits for time would ever end.
process.once('disconnect', () => real.setTimeout(() => process.exit(1), 2_000));

async function go({ toMs, gateway }: Extract<SoakOrder, { soak: 'go' }>): Promise<void> {
  await settle(gateway);
  if (toMs !== undefined) await clock.advance(toMs, () => settle());
  tell({ soak: 'there', nowMs: clock.nowMs, gateway: wires.counts() });
}

/** Works off what is on the sockets: all that the gateway wrote, connections in the making, answers of the cloud. */
async function settle(gateway: readonly WireCount[] = []): Promise<void> {
  const giveUpMs = real.now() + PATIENCE_MS;
  for (let turn = 0; ; turn += 1) {
    await (turn < TURNS ? real.turn() : real.sleep(1));
    await requests.settled();
    if (wires.connecting === 0 && hasRead(wires.counts(), gateway)) return;
    if (real.now() > giveUpMs) {
      throw new Error(
        `The soak waits in vain: the gateway wrote ${JSON.stringify(gateway)}, read was ${JSON.stringify(wires.counts())}, ${wires.connecting} connections in the making.`,
      );
    }
  }
}

function isLongPoll(request: ClientRequest): boolean {
  return String(request.getHeader('x-amz-target')).endsWith('.ReceiveMessage');
}

function measure(): ProcessFigures {
  globalThis.gc?.();
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const loopDelayP99Ms = delays.count === 0 ? 0 : delays.percentile(99) / 1e6;
  delays.reset();
  return {
    rss,
    heapUsed,
    heapTotal,
    external,
    arrayBuffers,
    resources,
    files: openFiles(),
    timers: clock.waiting,
    loopDelayP99Ms,
    cpuSeconds: (user + system) / 1e6,
  };
}

function openFiles(): number | null {
  try {
    // One of them is the folder that is being read.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}

function tell(answer: SoakAnswer): void {
  process.send?.(answer);
}
