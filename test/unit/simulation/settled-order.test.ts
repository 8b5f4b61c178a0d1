import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const story = fileURLToPath(new URL('../../simulation/settled-order.ts', import.meta.url));

it("a person's end of an order opens the lock of `strict`, and is taken back loudly when the broker has the order", {
  timeout: 60_000,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [story]);
  expect(JSON.parse(stdout)).toEqual({
    lockAtFirst: 'open: reconciled: nothing locks trading',
    whileListed: 'denied ORDER_AT_WORK',
    lockWhileUnresolved: 'locked: HIGH UNRESOLVED of order KEY',
    whileMissing: 'accepted',
    again: 'accepted',
    lockAfterwards: 'open: reconciled: nothing locks trading',
    whenBack: 'denied ORDER_AT_WORK',
    placed: 0,
    violations: [],
  });
});
