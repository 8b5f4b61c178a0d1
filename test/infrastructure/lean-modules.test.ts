import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { EndpointCache } from '../../lib/aws/no-endpoint-cache.ts';
import {
  EventStreamSerde,
  eventStreamSerdeProvider,
  resolveEventStreamSerdeConfig,
} from '../../lib/aws/no-event-streams.ts';
import { leanModules, throwing, versionAlone } from '../../lib/stacks/lean-modules.ts';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** The exports of a small program, bundled as the functions are. */
async function bundled(program: string): Promise<Record<string, unknown>> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: modules },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire('/');" },
    plugins: [leanModules],
  });
  return (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`)) as Record<
    string,
    unknown
  >;
}

describe('what a bundle leaves out', () => {
  it('a client has its version and none of the rest of its package.json', () => {
    expect(versionAlone('{"name":"a","version":"1.2.3","scripts":{"build":"x"}}')).toBe(
      '{"version":"1.2.3"}',
    );
  });

  it('schemas still parse and still say what is wrong; as JSON Schema they say that this part was left out', async () => {
    const { told, schema } = (await bundled(`
      import * as z from 'zod';
      export const schema = z.object({ n: z.number().min(1), text: z.string().optional() });
      export const told = [schema.parse({ n: 2 }), schema.safeParse({ n: 0 }).error.issues[0].message];
    `)) as { told: unknown[]; schema: { toJSONSchema(): unknown } };
    expect(told).toEqual([{ n: 2 }, 'Too small: expected number to be >=1']);
    expect(() => schema.toJSONSchema()).toThrow('LEFT_OUT_OF_BUNDLE');
  });

  it("the SDK's hashes are those of Node", async () => {
    const { hash } = (await bundled(`
      import { Sha256Node } from '@smithy/core/checksum';
      export const hash = async (text) => { const of = new Sha256Node(); of.update(text); return Buffer.from(await of.digest()).toString('hex'); };
    `)) as { hash: (text: string) => Promise<string> };
    expect(await hash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('has every export of the module, so that an update of a library cannot slip one by', async () => {
    const path = join(modules, 'zod/v4/core/to-json-schema.js');
    const text = await throwing(path, 'zod');
    const lean = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as Record<
      string,
      () => never
    >;
    expect(Object.keys(lean).sort()).toEqual(
      Object.keys((await import(pathToFileURL(path).href)) as object).sort(),
    );
    for (const left of Object.values(lean)) expect(left).toThrow('LEFT_OUT_OF_BUNDLE: ');
  });

  it('has what clients take of event streams and of the endpoint cache when they are made, and refuses the rest', () => {
    const config = { region: 'eu-north-1' };
    expect(resolveEventStreamSerdeConfig(config)).toBe(config);
    expect(eventStreamSerdeProvider).toThrow('EVENT_STREAMS_LEFT_OUT');
    expect(() => new EventStreamSerde()).toThrow('EVENT_STREAMS_LEFT_OUT');
    expect(() => new EndpointCache().get()).toThrow('ENDPOINT_DISCOVERY_LEFT_OUT');
    const used = new Set(
      readdirSync(join(modules, '@aws-sdk/middleware-endpoint-discovery/dist-es'))
        .filter((file) => file.endsWith('.js'))
        .flatMap((file) => [
          ...readFileSync(
            join(modules, '@aws-sdk/middleware-endpoint-discovery/dist-es', file),
            'utf8',
          ).matchAll(/endpointCache\.(\w+)\(/g),
        ])
        .map(([, name = '']) => name),
    );
    const offered = Object.keys(new EndpointCache());
    expect([...used].filter((name) => !offered.includes(name))).toEqual([]);
    expect(used.size).toBeGreaterThan(0);
  });
});
