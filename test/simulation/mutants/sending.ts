/** Orders on their way out, and who may send them: rules 4 and 5, and the lease of rules 9 and 12. */
import type { SimulationMutant } from './mutant.ts';

export const sendingMutants: readonly SimulationMutant[] = [
  {
    id: 'M26',
    name: 'one key is one order only for as long as one process lives',
    rule: 4,
    finding: 'D1.10',
    file: 'streamer/order-submitter.ts',
    find: '      const { key, keys } = keysOf(asked, sha256);',
    replace: `      const own = asked.key === '' ? '' : \`\${asked.key}.\${this.#options.token}\`;
      const { key, keys } = keysOf({ ...asked, key: own }, sha256);`,
    expected: ['sent-twice'],
    why: 'What was sent is remembered by who sent it: the next process is handed the same command, and sends it again.',
  },
  {
    id: 'M27',
    name: 'flags may change between the look at them and the record',
    rule: 4,
    file: 'streamer/order-book.ts',
    find: '      .filter(([ref]) => !written.has(ref) && ref !== deskRef)',
    replace: '      .filter(([ref]) => !written.has(ref) && ref !== deskRef && ref !== flagsRef)',
    expected: ['gate'],
    why: 'They were read a moment ago. In that moment somebody sets SAFE_MODE.',
  },
  {
    id: 'M28',
    name: 'flags that nobody has set let everything through',
    rule: 4,
    finding: 'D1.13',
    file: 'lib/domain/safety/flags.ts',
    find: `export const firstFlags: Flags = {
  DRY_RUN: true,
  SAFE_MODE: true,`,
    replace: `export const firstFlags: Flags = {
  DRY_RUN: false,
  SAFE_MODE: false,`,
    expected: ['gate'],
    why: 'Off is what a flag is at first. A first deployment then trades at once.',
  },
  {
    id: 'M29',
    name: 'DRY_RUN holds no order back',
    rule: 4,
    finding: 'D1.13',
    file: 'lib/domain/safety/gate.ts',
    find: "  if (!picture.flags.flags.DRY_RUN) return { verdict: 'send' };",
    replace: "  if (!picture.flags.flags.DRY_RUN || wish.by !== 'person') return { verdict: 'send' };",
    expected: ['gate'],
    why: 'DRY_RUN is read, and used for plans and for people alone.',
  },
  {
    id: 'M30',
    name: 'without a lock trading is open',
    rule: 4,
    finding: 'D1.1',
    file: 'lib/domain/safety/gate-account.ts',
    find: '  if (why === undefined) return undefined;',
    replace: "  if (lock.source === 'first' || why === undefined) return undefined;",
    expected: ['gate'],
    why: 'Nobody has locked it. Nobody has compared it with the broker either.',
  },
  {
    id: 'M31',
    name: 'a record that was not answered counts as made',
    rule: 4,
    file: 'streamer/order-records.ts',
    find: `      this.#doubted();
      throw error;`,
    replace: `      this.#doubted();
      return 'committed';`,
    expected: ['sent-unreserved', 'sent-twice'],
    why: 'The request has left, so it will have arrived. The order leaves without a record.',
  },
  {
    id: 'M32',
    name: 'what this disk does not know of has not left',
    rule: 5,
    file: 'streamer/order-fates.ts',
    find: "    if (intent.state === 'sending' && intent.journal === holder && !journal.mayHaveLeft(intent.key))",
    replace: "    if (intent.state === 'sending' && !journal.mayHaveLeft(intent.key))",
    expected: ['intents', 'sent-twice'],
    why: 'The journal is there to say so. It is that of another machine.',
  },
  {
    id: 'M33',
    name: 'the journal is written behind the socket',
    rule: 5,
    file: 'streamer/order-fates.ts',
    find: `    try {
      journal.begin(intent.key, nextOrderId);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.neverLeft(intent, \`the disk does not take what is written before an order leaves (\${why})\`);
      return false;
    }
    this.sending.sent(intent);
    for (const order of orders) {
      // A link that breaks in between is told by itself, and what was written is in doubt from then on.
      if (!view.place(order)) {
        this.sending.disconnected();
        return false;
      }
    }
    return true;`,
    replace: `    this.sending.sent(intent);
    for (const order of orders) {
      if (!view.place(order)) {
        this.sending.disconnected();
        return false;
      }
    }
    journal.begin(intent.key, nextOrderId);
    return true;`,
    expected: ['sent-unreserved', 'intents', 'sent-twice'],
    why: 'What has left is noted. A crash in between leaves an order that provably never left, and is at work.',
  },
  {
    id: 'M34',
    name: 'an order that is not answered in time was refused',
    rule: 5,
    finding: 'D2.e',
    file: 'lib/domain/orders/sending.ts',
    find: `        doubt(sent, \`the broker did not answer within \${state.config.acknowledgeMs} ms\`, effects);
`,
    replace: `        state.sent.delete(sent.intent.key);
        const message = \`the broker did not answer within \${state.config.acknowledgeMs} ms\`;
        effects.push({ kind: 'settled', intent: sent.intent, state: 'rejected', message });
`,
    expected: ['absence', 'intents'],
    why: 'A time-out is an error, and an error is no order. The order works on, and its sender sends another.',
  },
  {
    id: 'M35',
    name: 'the holder of a lease does not look at the time before it writes',
    rule: 12,
    file: 'lib/domain/safety/lease-machine.ts',
    find: 'state.mine?.row.token === token && !isOver(state, now);',
    replace: 'state.mine?.row.token === token;',
    expected: ['two-streamers', 'fence', 'gate'],
    why: 'A timer ends the lease. It does not run while the process stands still.',
  },
  {
    id: 'M36',
    name: 'the wait for a lease is measured by the wall clock',
    rule: 9,
    file: 'lib/domain/safety/lease-watching.ts',
    find: `  state.seen = seen ?? { row, sinceMs: now.monotonicMs };
  const unchangedMs = now.monotonicMs - state.seen.sinceMs;`,
    replace: `  state.seen = seen ?? { row, sinceMs: now.wallMs };
  const unchangedMs = now.wallMs - state.seen.sinceMs;`,
    expected: ['two-streamers', 'fence', 'gate'],
    why: 'Time is time, until somebody sets the clock forward: the lease is taken from a holder that lives.',
  },
];
