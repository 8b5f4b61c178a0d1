import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bookState, ConsolePorts } from '../../../bin/evenkeel/console-ports.ts';
import type { StagePorts } from '../../../bin/evenkeel/stage-ports.ts';

let folder: string;
let opened: (string | undefined)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-console-'));
  opened = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function sandboxAt(endpoint: string): void {
  writeFileSync(join(folder, 'endpoint.json'), JSON.stringify({ endpoint, region: 'eu-west-1' }));
}

function portsOf(chains: () => Promise<readonly object[]>): ConsolePorts {
  const open = ({ place }: { readonly place: { readonly endpoint: string } | undefined }) => {
    opened.push(place?.endpoint);
    return { book: {}, audit: { chains } } as unknown as StagePorts;
  };
  const session = {
    stage: 'sandbox',
    config: {} as never,
    dataDir: folder,
    io: { nowMs: () => 0 } as never,
  } as const;
  return new ConsolePorts(open, session);
}

it('ports stay open as long as the sandbox is the same one, and are opened anew for the next', () => {
  const ports = portsOf(async () => []);
  sandboxAt('http://127.0.0.1:4001');
  const first = ports.now();
  expect(ports.now()).toBe(first);
  sandboxAt('http://127.0.0.1:4002');
  expect(ports.now()).not.toBe(first);
  expect(opened).toEqual(['http://127.0.0.1:4001', 'http://127.0.0.1:4002']);
  rmSync(join(folder, 'endpoint.json'));
  expect(() => ports.now()).toThrow(expect.objectContaining({ code: 'SANDBOX_NOT_RUNNING' }));
});

it('the book’s state is another as soon as one chain has moved', async () => {
  let seq = 1;
  const ports = portsOf(async () => [
    { writer: 'book-keeper', seq },
    { writer: 'operator', seq: 3 },
  ]);
  sandboxAt('http://127.0.0.1:4001');
  const before = await bookState(ports, 'DU1');
  expect(await bookState(ports, 'DU1')).toBe(before);
  seq += 1;
  expect(await bookState(ports, 'DU1')).not.toBe(before);
});
