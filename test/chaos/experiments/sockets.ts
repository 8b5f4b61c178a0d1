/** The wire between streamer and gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireRule } from '../front.ts';
import { untilTrading } from '../recovery.ts';
import type { Experiment } from '../trial.ts';

const modemBytesPerSecond = 7_000;

interface Wire {
  readonly name: string;
  readonly does: string;
  readonly expects: string;
  readonly rule: WireRule;
  readonly forMs: number;
  /** Whether the session must be lost by it, and may be. */
  readonly loses: 'always' | 'never' | 'perhaps';
  /** Connections are reset besides. */
  readonly cuts?: boolean;
}

const wires: readonly Wire[] = [
  {
    name: 'socket-drop',
    does: 'Every connection is reset; new ones are accepted and closed for 3 s.',
    expects: 'Lost at once, gaps filled from history, trading again within 40 s.',
    rule: { refuse: true },
    forMs: 3_000,
    loses: 'always',
    cuts: true,
  },
  {
    name: 'socket-half-open',
    does: 'The connection stands and carries nothing more.',
    expects:
      'Found by the question for the time (1 s and 2 s here); what an order in it became is asked of the broker.',
    rule: { halfOpen: true },
    forMs: 5_000,
    loses: 'always',
  },
  {
    name: 'socket-delay',
    does: 'Every byte comes 800 ms late, both ways, for 12 s.',
    expects: 'Nothing is lost and nothing repeated; the session stands.',
    rule: { delayMs: 800 },
    forMs: 12_000,
    loses: 'never',
  },
  {
    name: 'socket-split',
    does: 'Every byte is a packet of its own, for 12 s.',
    expects: 'Nothing is seen of it.',
    rule: { split: true },
    forMs: 12_000,
    loses: 'never',
  },
  {
    name: 'socket-reset-in-frame',
    does: 'The connection is reset in the midst of a frame.',
    expects: 'Lost at once; half a frame is no message. Trading again within 40 s.',
    rule: { resetInFrame: true },
    forMs: 1_000,
    loses: 'always',
  },
  {
    name: 'socket-modem',
    does: `The wire carries ${modemBytesPerSecond} bytes a second, for 15 s.`,
    expects: 'Slower; a session that is lost comes back.',
    rule: { bytesPerSecond: modemBytesPerSecond },
    forMs: 15_000,
    loses: 'perhaps',
  },
];

const tradingMs = 40_000;

function spoil({ name, does, expects, rule, forMs, loses, cuts = false }: Wire): Experiment {
  return {
    name,
    does,
    expects,
    boundMs: 240_000,
    run: async (sandbox, trial) => {
      const { front, watch } = sandbox;
      const sinceMs = performance.now();
      front.rule(rule);
      if (cuts) front.cut();
      await sleep(forMs);
      const lost = watch.sights.find((now) => now.atMs > sinceMs && now.ready !== 200);
      front.rule({});
      if (loses === 'always') trial.expectWithin('not ready', lost && lost.atMs - sinceMs, forMs);
      else if (loses === 'never') trial.expect('the session stood', lost === undefined);
      else trial.note('the session was lost', lost === undefined ? 'no' : 'yes');
      await untilTrading(sandbox, trial, tradingMs);
    },
  };
}

export const sockets: readonly Experiment[] = wires.map(spoil);
