import { unsupported } from './intrinsics.ts';

/** What of the event a target receives, as JSON text. */
export type TargetInput = (event: Readonly<Record<string, unknown>>) => string;

interface Transformer {
  InputPathsMap?: Record<string, string>;
  InputTemplate?: string;
}

/** Compiles Input, InputPath or InputTransformer of a rule's target; without any the target gets the whole event. */
export function compileInput(target: Readonly<Record<string, unknown>>, at: string): TargetInput {
  if (typeof target.Input === 'string') {
    const fixed = target.Input;
    return () => fixed;
  }
  if (typeof target.InputPath === 'string') {
    const select = compilePath(target.InputPath, `${at}.InputPath`);
    return (event) => JSON.stringify(select(event) ?? {});
  }
  if (target.InputTransformer !== undefined)
    return compileTransformer(target.InputTransformer as Transformer, at);
  return (event) => JSON.stringify(event);
}

/** `$`, and `$.a.b` with names of letters, digits, `-` and `_`: all that the rules of CDK need. */
function compilePath(path: string, at: string): (event: unknown) => unknown {
  if (!/^\$(\.[\w-]+)*$/.test(path)) throw unsupported(at, `the JSON path ${path}`);
  const keys = path.split('.').slice(1);
  return (event) => {
    let value = event;
    for (const key of keys) value = (value as Record<string, unknown> | null | undefined)?.[key];
    return value;
  };
}

const PREDEFINED = [
  'aws.events.event.json',
  'aws.events.event',
  'aws.events.event.ingestion-time',
  'aws.events.rule-arn',
  'aws.events.rule-name',
];

function compileTransformer(
  { InputPathsMap: paths = {}, InputTemplate: template = '' }: Transformer,
  at: string,
): TargetInput {
  const selectors = new Map(
    Object.entries(paths).map(([name, path]) => [name, compilePath(path, `${at}.InputTransformer.${name}`)]),
  );
  const predefined = PREDEFINED.find(
    (name) =>
      template.includes(`<${name}>`) && name !== 'aws.events.event.json' && name !== 'aws.events.event',
  );
  if (predefined !== undefined) throw unsupported(at, `the predefined variable <${predefined}>`);
  const parts = template.split(/(<[\w.-]+>)/);
  return (event) =>
    parts
      .map((part, index) => {
        const name = /^<([\w.-]+)>$/.exec(part)?.[1];
        if (name === undefined) return part;
        const select = selectors.get(name);
        if (select === undefined) return name.startsWith('aws.events.event') ? JSON.stringify(event) : part;
        // EventBridge writes text without quotes inside a quoted template part, and as JSON elsewhere.
        const value = select(event);
        const insideQuotes = (parts.slice(0, index).join('').split('"').length - 1) % 2 === 1;
        const json = JSON.stringify(value) ?? '""';
        return insideQuotes && typeof value === 'string' ? json.slice(1, -1) : json;
      })
      .join('');
}
