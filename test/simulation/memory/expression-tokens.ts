/** Expressions of DynamoDB, cut into words. */
import { validation } from './dynamodb-errors.ts';
import { reservedWords } from './reserved-words.ts';

export type ExpressionKind =
  | 'ConditionExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression';

export interface Token {
  readonly kind: 'word' | 'name' | 'value' | 'index' | 'sign';
  readonly text: string;
}

/** A path into an item: names (`#x` stands for one of ExpressionAttributeNames) and places of a list. */
export type Path = readonly (string | number)[];

const token = /\s*(?:([A-Za-z_]\w*)|(#\w+)|(:\w+)|\[(\d+)\]|(<>|<=|>=|[=<>(),.+-]))/y;

/** What is left to read of an expression. */
export class Tokens {
  readonly kind: ExpressionKind;
  readonly #all: readonly Token[];
  #at = 0;
  readonly names = new Set<string>();
  readonly values = new Set<string>();

  constructor(kind: ExpressionKind, text: string) {
    this.kind = kind;
    if (text.trim() === '') throw this.invalid('The expression can not be empty;');
    this.#all = [...tokensOf(text, (message) => this.invalid(message))];
  }

  peek(ahead = 0): Token | undefined {
    return this.#all[this.#at + ahead];
  }

  next(): Token {
    const found = this.#all[this.#at];
    if (found === undefined) throw this.invalid('Syntax error; token: <EOF>');
    this.#at += 1;
    return found;
  }

  /** Takes the next token if it is this sign or, in whatever case, this word. */
  take(text: string): boolean {
    const found = this.#all[this.#at];
    const isIt =
      found?.kind === 'sign'
        ? found.text === text
        : found?.kind === 'word' && found.text.toUpperCase() === text;
    if (isIt) this.#at += 1;
    return isIt;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unexpected();
  }

  end(): void {
    if (this.peek() !== undefined) throw this.unexpected();
  }

  value(): string {
    const { kind, text } = this.next();
    if (kind !== 'value') throw this.unexpected(text);
    this.values.add(text);
    return text;
  }

  path(): Path {
    const path: (string | number)[] = [this.#name()];
    for (;;) {
      const found = this.peek();
      if (found?.kind === 'index') path.push(Number(this.next().text));
      else if (this.take('.')) path.push(this.#name());
      else return path;
    }
  }

  #name(): string {
    const { kind, text } = this.next();
    if (kind === 'name') {
      this.names.add(text);
      return text;
    }
    if (kind !== 'word') throw this.unexpected(text);
    if (reservedWords.has(text.toUpperCase()))
      throw this.invalid(`Attribute name is a reserved keyword; reserved keyword: ${text}`);
    return text;
  }

  unexpected(text = this.peek()?.text ?? '<EOF>'): Error {
    return this.invalid(`Syntax error; token: "${text}"`);
  }

  invalid(message: string): Error {
    return validation(`Invalid ${this.kind}: ${message}`);
  }
}

function* tokensOf(text: string, invalid: (message: string) => Error): Generator<Token> {
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  for (let at = 0; at < end; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw invalid(`Syntax error; token: "${text.slice(at).trim()}"`);
    const [, word, name, value, index, sign] = found;
    if (word !== undefined) yield { kind: 'word', text: word };
    else if (name !== undefined) yield { kind: 'name', text: name };
    else if (value !== undefined) yield { kind: 'value', text: value };
    else if (index !== undefined) yield { kind: 'index', text: index };
    else yield { kind: 'sign', text: sign ?? '' };
  }
}
