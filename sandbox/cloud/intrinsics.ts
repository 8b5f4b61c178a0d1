import type { Assembly, CfnResource } from './assembly.ts';
import { CloudError } from './errors.ts';
import { EMULATED, NO_LOCAL_MEANING, type PhysicalIds } from './resource-types.ts';

/** Stands for AWS::NoValue: the property is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

type Fn = (argument: unknown, at: string) => unknown;

/** Intrinsics that occur only in networking, which has no local meaning: known, never resolved. */
const NEVER_RESOLVED = new Set(['Fn::Cidr']);

/**
 * Resolves the intrinsic functions of one template as CloudFormation would at deployment, with the local account and
 * region. Every failure is a CloudError that says where in the template it is.
 */
export class Resolver {
  readonly #assembly: Assembly;
  readonly #endpoint: string;
  readonly #names = new Map<string, string>();
  readonly #resolving = new Set<string>();
  readonly #functions: Readonly<Record<string, Fn>>;

  constructor(assembly: Assembly, endpoint: string) {
    this.#assembly = assembly;
    this.#endpoint = endpoint;
    this.#functions = {
      Ref: (argument, at) => this.#ref(String(argument), at),
      'Fn::GetAtt': (argument, at) => this.#getAtt(argument, at),
      'Fn::Sub': (argument, at) => this.#sub(argument, at),
      'Fn::Join': (argument, at) => {
        const [separator, parts] = this.#arguments(argument, 2, at);
        const list = this.resolve(parts, at);
        if (!Array.isArray(list)) throw invalid(at, 'Fn::Join needs a list');
        return list.join(String(separator));
      },
      'Fn::Select': (argument, at) => {
        const [index, list] = this.#arguments(argument, 2, at).map((a) => this.resolve(a, at));
        const value: unknown = Array.isArray(list) ? list[Number(index)] : undefined;
        if (value === undefined) throw invalid(at, `Fn::Select finds nothing at index ${String(index)}`);
        return value;
      },
      'Fn::Split': (argument, at) => {
        const [separator, text] = this.#arguments(argument, 2, at);
        return String(this.resolve(text, at)).split(String(separator));
      },
      'Fn::If': (argument, at) => {
        const [name, whenTrue, whenFalse] = this.#arguments(argument, 3, at);
        return this.resolve(this.condition(String(name), at) ? whenTrue : whenFalse, at);
      },
      'Fn::FindInMap': (argument, at) => {
        const [map, first, second] = this.#arguments(argument, 3, at).map((a) => String(this.resolve(a, at)));
        const value = this.#assembly.template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
        if (value === undefined)
          throw invalid(at, `Fn::FindInMap finds nothing at ${map}.${first}.${second}`);
        return value;
      },
      'Fn::GetAZs': () => ['a', 'b', 'c'].map((zone) => `${this.#assembly.region}${zone}`),
      'Fn::Base64': (argument, at) => Buffer.from(String(this.resolve(argument, at))).toString('base64'),
      'Fn::Equals': (argument, at) => {
        const [left, right] = this.#arguments(argument, 2, at).map((a) => this.resolve(a, at));
        return left === right;
      },
      'Fn::And': (argument, at) => this.#conditions(argument, at).every(Boolean),
      'Fn::Or': (argument, at) => this.#conditions(argument, at).some(Boolean),
      'Fn::Not': (argument, at) => !this.#conditions(argument, at)[0],
      Condition: (argument, at) => this.condition(String(argument), at),
    };
  }

  /** Throws on any intrinsic in `value` that is not known, without resolving anything. */
  checkKnown(value: unknown, at: string): void {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.checkKnown(item, `${at}[${index}]`);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key.startsWith('Fn::') && !(key in this.#functions) && !NEVER_RESOLVED.has(key)) {
          throw unsupported(at, `the intrinsic ${key}`);
        }
        this.checkKnown(inner, `${at}.${key}`);
      }
    }
  }

  /** The value with every intrinsic resolved; properties with AWS::NoValue are left out. */
  resolve(value: unknown, at: string): unknown {
    if (typeof value === 'string') {
      if (value.includes('{{resolve:')) throw unsupported(at, 'a dynamic reference ({{resolve:...}})');
      return value;
    }
    if (Array.isArray(value)) {
      return value
        .map((item, index) => this.resolve(item, `${at}[${index}]`))
        .filter((item) => item !== NO_VALUE);
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [first] = entries;
    if (entries.length === 1 && first !== undefined && isIntrinsic(first)) {
      const [key, argument] = first;
      const fn = this.#functions[key];
      if (fn === undefined) throw unsupported(at, `the intrinsic ${key}`);
      return fn(argument, at);
    }
    const resolved: Record<string, unknown> = {};
    for (const [key, inner] of entries) {
      const result = this.resolve(inner, `${at}.${key}`);
      if (result !== NO_VALUE) resolved[key] = result;
    }
    return resolved;
  }

  condition(name: string, at: string): boolean {
    const definition = this.#assembly.template.Conditions?.[name];
    if (definition === undefined) throw invalid(at, `there is no condition ${name}`);
    return Boolean(
      this.#guarded(`condition ${name}`, at, () => this.resolve(definition, `Conditions.${name}`)),
    );
  }

  /** The name that CloudFormation would give the resource. */
  physicalName(logicalId: string): string {
    const known = this.#names.get(logicalId);
    if (known !== undefined) return known;
    const resource = this.#resource(logicalId, logicalId);
    const { nameProperty: property, madeUpName = (made: string): string => made } =
      EMULATED[resource.Type] ?? {};
    const given = property === undefined ? undefined : resource.Properties?.[property];
    const name =
      given === undefined
        ? madeUpName(`${this.#assembly.stack}-${logicalId}`, resource.Properties ?? {})
        : String(
            this.#guarded(`name of ${logicalId}`, logicalId, () =>
              this.resolve(given, `${logicalId}.${property}`),
            ),
          );
    this.#names.set(logicalId, name);
    return name;
  }

  #ref(name: string, at: string): unknown {
    switch (name) {
      case 'AWS::Region':
        return this.#assembly.region;
      case 'AWS::AccountId':
        return this.#assembly.account;
      case 'AWS::Partition':
        return 'aws';
      case 'AWS::URLSuffix':
        return 'amazonaws.com';
      case 'AWS::StackName':
        return this.#assembly.stack;
      case 'AWS::StackId':
        return `arn:aws:cloudformation:${this.#assembly.region}:${this.#assembly.account}:stack/${this.#assembly.stack}/local`;
      case 'AWS::NoValue':
        return NO_VALUE;
    }
    if (name.startsWith('AWS::')) throw unsupported(at, `the pseudo parameter ${name}`);
    const parameter = this.#assembly.template.Parameters?.[name];
    if (parameter !== undefined) {
      if (parameter.Type.startsWith('AWS::SSM::'))
        throw unsupported(at, `the value of the parameter ${name}, which is in the SSM parameter store`);
      if (parameter.Default === undefined)
        throw unsupported(at, `the parameter ${name}, which has no default`);
      return parameter.Default;
    }
    const resource = this.#resource(name, at);
    return EMULATED[resource.Type]?.ref(this.#ids(name)) ?? this.physicalName(name);
  }

  #getAtt(argument: unknown, at: string): unknown {
    const [logicalId = '', ...rest] = Array.isArray(argument)
      ? argument.map(String)
      : String(argument).split('.');
    const attribute = rest.join('.');
    const resource = this.#resource(logicalId, at);
    const type = EMULATED[resource.Type];
    if (type === undefined) return placeholder(resource.Type, logicalId, attribute, this.#assembly);
    const value = type.attributes[attribute]?.(this.#ids(logicalId));
    if (value === undefined)
      throw unsupported(at, `the attribute ${attribute} of ${logicalId} (${resource.Type})`);
    return value;
  }

  #sub(argument: unknown, at: string): string {
    const [text, variables] = Array.isArray(argument)
      ? [String(argument[0]), argument[1] as Record<string, unknown>]
      : [String(argument), {}];
    return text.replaceAll(/\$\{([^}]+)\}/g, (_whole, inner: string) => {
      if (inner.startsWith('!')) return `\${${inner.slice(1)}}`;
      const name = inner.trim();
      if (name in variables) return String(this.resolve(variables[name], at));
      return String(name.includes('.') ? this.#getAtt(name, at) : this.#ref(name, at));
    });
  }

  #ids(logicalId: string): PhysicalIds {
    const resource = this.#resource(logicalId, logicalId);
    return {
      logicalId,
      name: this.physicalName(logicalId),
      region: this.#assembly.region,
      account: this.#assembly.account,
      endpoint: this.#endpoint,
      property: (property) => {
        const value = resource.Properties?.[property];
        return value === undefined ? undefined : String(this.resolve(value, `${logicalId}.${property}`));
      },
    };
  }

  #resource(logicalId: string, at: string): CfnResource {
    const resource = this.#assembly.template.Resources[logicalId];
    if (resource === undefined) throw invalid(at, `there is no resource or parameter ${logicalId}`);
    if (!(resource.Type in EMULATED) && !(resource.Type in NO_LOCAL_MEANING)) {
      throw unsupported(logicalId, `the resource type ${resource.Type}`);
    }
    return resource;
  }

  #conditions(argument: unknown, at: string): unknown[] {
    if (!Array.isArray(argument)) throw invalid(at, 'a condition function needs a list');
    return argument.map((a) => this.resolve(a, at));
  }

  #arguments(argument: unknown, count: number, at: string): unknown[] {
    if (!Array.isArray(argument) || argument.length !== count)
      throw invalid(at, `an intrinsic needs ${count} arguments`);
    return argument as unknown[];
  }

  #guarded<T>(what: string, at: string, work: () => T): T {
    if (this.#resolving.has(what)) throw invalid(at, `${what} refers to itself`);
    this.#resolving.add(what);
    try {
      return work();
    } finally {
      this.#resolving.delete(what);
    }
  }
}

/** `Condition` is an intrinsic only inside Conditions; in a policy statement it is an object. */
function isIntrinsic([key, argument]: [string, unknown]): boolean {
  return key === 'Ref' || key.startsWith('Fn::') || (key === 'Condition' && typeof argument === 'string');
}

function placeholder(type: string, logicalId: string, attribute: string, assembly: Assembly): string {
  const service = (type.split('::')[1] ?? '').toLowerCase();
  return attribute.endsWith('Arn')
    ? `arn:aws:${service}:${assembly.region}:${assembly.account}:${logicalId}`
    : `${logicalId}.${attribute}`;
}

/** The template uses something that the local cloud does not know. */
export function unsupported(at: string, what: string): CloudError {
  return new CloudError(
    'TEMPLATE_UNSUPPORTED',
    `The template uses ${what} at ${at}, which the local cloud does not know; it refuses to run something else than what is deployed.`,
    'Teach it in sandbox/cloud (docs/local-cloud.md lists what is known), or take it out of the stack.',
  );
}

/** The template itself is wrong; CloudFormation would refuse it too. */
export function invalid(at: string, what: string): CloudError {
  return new CloudError(
    'TEMPLATE_INVALID',
    `The template is wrong at ${at}: ${what}.`,
    'CloudFormation would refuse it too; correct the stack in lib/stacks and synthesise again.',
  );
}
