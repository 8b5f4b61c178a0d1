import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../config/load.ts';
import {
  kindOfStage,
  relayPort,
  standardPort,
  standardPorts,
} from '../../lib/domain/safety/paper-or-live.ts';
import { closure, importsOf, readSources } from '../helpers/source-graph.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const sources = new Map([...readSources(root)].filter(([file]) => !/^(test|bench)\//.test(file)));

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly network_mode?: string;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

const files = ['docker-compose.yml', 'docker-compose.vnc.yml'] as const;
const compose = parse(read('docker-compose.yml')) as Compose;
const vnc = parse(read('docker-compose.vnc.yml')) as Compose;
const gateway = compose.services.gateway!;
const evenkeel = compose.services.evenkeel!;

describe('the desk on one machine: docker-compose.yml', () => {
  it.each(files)('%s says that nobody has tried it', (file) => {
    expect(read(file)).toMatch(/^# .*\n?.*UNTRIED/m);
  });

  it.each(files)('%s publishes on 127.0.0.1 and nowhere else', (file) => {
    const { services } = parse(read(file)) as Compose;
    for (const { ports = [], network_mode } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      // The host's network would pass by all of it.
      expect(network_mode).toBeUndefined();
    }
  });

  it.each(files)(
    '%s holds no secret: variables that must be given, and files outside the checkout',
    (file) => {
      const { services, secrets } = parse(read(file)) as Compose;
      for (const { environment = {} } of Object.values(services)) {
        for (const [name, value] of Object.entries(environment)) {
          if (/PASSWORD|PASSPHRASE|TOKEN|KEY|SECRET/.test(name)) {
            expect(name).toMatch(/_FILE$/);
            expect(value).toMatch(/^\/run\/secrets\/\w+$/);
          }
          if (/USERID|ACCOUNT/.test(name)) expect(value).toMatch(/^\$\{\w+:\?[^}]+\}$/);
        }
      }
      expect(Object.keys(secrets).length).toBeGreaterThan(0);
      for (const [name, { file: path }] of Object.entries(secrets))
        expect(path).toMatch(new RegExp(`^\\$\\{EVENKEEL_SECRETS:\\?[^}]+\\}/${name}$`));
    },
  );

  it('every secret that a service names is there, and every file that it is read from', () => {
    const merged = { ...compose.secrets, ...vnc.secrets };
    for (const { secrets = [], environment = {} } of [gateway, vnc.services.gateway!]) {
      const read_ = Object.values(environment).flatMap(
        (value) => /^\/run\/secrets\/(\w+)$/.exec(value)?.[1] ?? [],
      );
      for (const name of read_) expect(secrets).toContain(name);
      for (const name of secrets) expect(merged).toHaveProperty(name);
    }
  });

  it("the gateway is the configuration's image, with the settings of the deployed one", () => {
    const { aws, streamers } = loadConfig({ stage: 'sandbox', env: {} });
    expect(gateway.image).toBe(aws.gatewayImage);
    expect(gateway.environment).toMatchObject({
      TRADING_MODE: 'paper',
      AUTO_RESTART_TIME: aws.gatewayRestartTime,
      TIME_ZONE: streamers[0]?.gateway.timeZone,
      TWS_MASTER_CLIENT_ID: evenkeel.environment?.IB_CLIENT_ID,
      READ_ONLY_API: 'no',
      EXISTING_SESSION_DETECTED_ACTION: 'primary',
    });
  });

  it('every port is one of the table of ports, and one for paper money', () => {
    const wanted = kindOfStage('sandbox');
    const published = (gateway.ports ?? []).map((port) => port.split(':').slice(1).map(Number));
    expect(published.length).toBeGreaterThan(0);
    for (const port of published.flat()) expect(standardPort(port)?.kind, String(port)).toBe(wanted);
    const target = evenkeel.command?.[(evenkeel.command.indexOf('--gateway') ?? 0) + 1];
    // Another container reaches the gateway by the relay alone.
    expect(target).toBe(`gateway:${relayPort(wanted)}`);
    const mentioned = [...read('docker-compose.yml').matchAll(/\b(400\d|749\d)\b/g)].map((match) =>
      Number(match[1]),
    );
    for (const port of mentioned) expect(standardPort(port), String(port)).toBeDefined();
  });

  it('VNC is off: no port, no password, unless its own file is named', () => {
    expect(read('docker-compose.yml')).not.toMatch(/VNC|5900/);
    expect(vnc.services.gateway?.ports).toEqual(['127.0.0.1:5900:5900']);
  });

  it('evenkeel is not root, has a read-only root and writes to its volume and to memory', () => {
    expect(evenkeel).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      build: { context: '.', dockerfile: 'sandbox/Dockerfile' },
    });
    expect(evenkeel.volumes).toEqual(['desk:/app/.evenkeel']);
    expect(evenkeel.tmpfs?.map((each) => each.split(':')[0])).toEqual(['/tmp', '/app/dist']);
    for (const service of Object.values(compose.services)) expect(service.privileged).toBeUndefined();
    expect(compose.volumes).toHaveProperty('desk');
  });

  it('the options of its command are those of `npm run sandbox`', () => {
    const options = [...read('bin/sandbox.ts').matchAll(/(--[a-z-]+)/g)].map((match) => match[1]!);
    for (const word of evenkeel.command ?? []) if (word.startsWith('--')) expect(options).toContain(word);
  });
});

describe('the image of the sandbox', () => {
  const dockerfile = read('sandbox/Dockerfile');
  const context = read('sandbox/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

  it('has the Node of the streamer’s image, and no root', () => {
    const argument = /^ARG NODE_VERSION=.*$/m;
    expect(argument.exec(dockerfile)?.[0]).toBe(argument.exec(read('streamer/Dockerfile'))?.[0]);
    expect(dockerfile).toMatch(/\nUSER node\n/);
    expect(dockerfile).toContain('VOLUME /app/.evenkeel\n');
  });

  it('its context takes in every module that a sandbox loads, and leaves out secrets and the rest', () => {
    expect(read('sandbox/Dockerfile.dockerignore')).toMatch(/^\*$/m);
    // What a program imported of the tests would be seen as the target of that import.
    const programs = [...sources].filter(([file]) => !/^(test|bench)\//.test(file));
    const graph = new Map(programs.map(([file, text]) => [file, importsOf(file, text)]));
    const entries = [...graph.keys()].filter(
      (file) =>
        /^(bin\/(sandbox|app|evenkeel)|sandbox\/gateway\/main|streamer\/main|functions\/[\w-]+\/handler)\.ts$/.test(
          file,
        ) || /^sandbox\/cloud\/.*-worker\.ts$/.test(file),
    );
    expect(entries.length).toBeGreaterThan(8);
    const outside = [...closure(graph, entries).keys()].filter(
      (file) => !context.includes(file.split('/')[0] ?? ''),
    );
    expect(outside).toEqual([]);
    // What is read rather than imported: by npm, by the CDK app, by the synth.
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'cdk.json', '.dockerignore'])
      expect(context).toContain(file);
    expect(context.filter((name) => /env|node_modules|test|bench|docs|\.evenkeel/.test(name))).toEqual([]);
  });
});

/** Where a standard port may be written in figures: the table itself, and examples for people. */
const mayName: Readonly<Record<string, string>> = {
  'lib/domain/safety/paper-or-live.ts': 'the table',
  'bin/sandbox.ts': 'an example on its command line',
  'sandbox/gateway/main.ts':
    'where the simulated gateway listens by itself: it shares no module with the streamer',
  'sandbox/gateway/index.ts': 'the same',
};

describe('the table of ports', () => {
  it('has the ports of gateway and TWS, and of the image’s relay', () => {
    expect(standardPorts.map(({ port, kind, of }) => [port, kind, of])).toEqual([
      [4002, 'paper', 'IB Gateway'],
      [7497, 'paper', 'TWS'],
      [4004, 'paper', 'the relay of the gateway image'],
      [4001, 'live', 'IB Gateway'],
      [7496, 'live', 'TWS'],
      [4003, 'live', 'the relay of the gateway image'],
    ]);
  });

  it('is the one place: no other source has the figures', () => {
    const named = [...sources].flatMap(([file, text]) =>
      /\b(400[1-4]|749[67])\b/.test(withoutComments(text)) && !(file in mayName) ? [file] : [],
    );
    expect(named).toEqual([]);
  });

  it('is the one in docs/ib-gateway.md', () => {
    const rows = standardPorts.map(({ port, kind, of }) => `| ${port} | ${kind} | ${of} |`);
    expect(read('docs/ib-gateway.md')).toContain(
      ['| port | money | what listens there |', '|---|---|---|', ...rows].join('\n'),
    );
  });

  it.each([
    'README.md',
    '.env.template',
    'docs/ib-gateway.md',
    'docs/deploy.md',
    'config/paper.yml',
    'config/live.yml',
  ])('%s calls no port by the wrong money', (file) => {
    // `paper 4002`, `4001 live`: the word beside a port, on either side.
    const said = [
      ...read(file).matchAll(/\b(paper|live):? (?:port )?`?(\d{4})\b|\b(\d{4})`? (?:is )?\(?(paper|live)\b/g),
    ];
    for (const [text, before, a, b, after] of said) {
      const port = standardPort(Number(a ?? b));
      if (port !== undefined) expect({ text, kind: port.kind }).toEqual({ text, kind: before ?? after });
    }
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}
