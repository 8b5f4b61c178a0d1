/** Orders on their way out, and who may send them: rules 4 and 5, and the lease of rules 9 and 12. */
import type { SimulationMutant } from './mutant.ts';

export const sendingMutants: readonly SimulationMutant[] = [
  {
    id: 'M12',
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
    id: 'M13',
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
    id: 'M14',
    name: 'without a lock trading is open',
    rule: 4,
    finding: 'D1.1',
    file: 'lib/domain/safety/gate-account.ts',
    find: '  if (isOpenFor(lock, lease.token)) return undefined;',
    replace: "  if (lock.source === 'first' || isOpenFor(lock, lease.token)) return undefined;",
    expected: ['gate'],
    why: 'Nobody has locked it. Nobody has compared it with the broker either.',
  },
  {
    id: 'M15',
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
    id: 'M16',
    name: 'the holder of a lease does not look at the time before it writes',
    rule: 12,
    file: 'lib/domain/safety/lease-machine.ts',
    find: 'state.mine?.row.token === token && !isOver(state, now);',
    replace: 'state.mine?.row.token === token;',
    expected: ['two-streamers', 'fence', 'gate'],
    why: 'A timer ends the lease. It does not run while the process stands still.',
  },
];
