/** What the broker was asked, and what it did not say: rules 1 and 2. */
import type { SimulationMutant } from './mutant.ts';

export const brokerMutants: readonly SimulationMutant[] = [
  {
    id: 'M01',
    name: 'a snapshot does not say which of its lists have failed',
    rule: 1,
    finding: 'D1.2',
    file: 'streamer/snapshot.ts',
    find: "    parts[name] = { outcome, rows: outcome === 'failed' ? [] : sorted(facts.filter(isOf(account, facts))) };",
    replace: "    parts[name] = { outcome: 'ok', rows: sorted(facts.filter(isOf(account, facts))) };",
    expected: ['failed-query', 'absence'],
    why: 'Whoever asks gets rows, or none. That the broker did not answer is not handed on.',
  },
  {
    id: 'M02',
    name: 'nobody is told of an order that cannot be found',
    rule: 2,
    finding: 'D4',
    file: 'streamer/order-fates.ts',
    find: "      if (words.state === 'unresolved') this.#teller.unresolved(intent, words.message);\n",
    replace: '',
    expected: ['intents', 'alert-raised'],
    why: 'The record has it, and an answer goes to the sender: the alert to a person is put off for later.',
  },
  {
    id: 'M03',
    name: 'discrepancies that are not critical alert nobody',
    rule: 2,
    finding: 'D4',
    file: 'lib/alerts/news-of.ts',
    find: "if (!isAtLeast(severity, 'HIGH')) return [];",
    replace: "if (!isAtLeast(severity, 'CRITICAL')) return [];",
    expected: ['alert-told'],
    why: 'Fewer messages: and what is unresolved, which is HIGH, is seen by nobody.',
  },
];
