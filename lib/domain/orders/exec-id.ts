/** What IB's execId says of corrections (`ib-facts` 11): they differ only in the digits after the last dot. */

export interface ExecId {
  /** One execution, whatever its revision. */
  readonly execBase: string;
  /** 0 where the id has no revision. */
  readonly revision: number;
}

/** IB writes two digits; more than four are part of a name (`0000e0d5.67123456`), not a count of corrections. */
const revised = /^(.+)\.(\d{1,4})$/s;

/** `….01.02` is the base `….01` at revision 2; an id without such an end is its own base at revision 0. */
export function parseExecId(execId: string): ExecId {
  const match = revised.exec(execId);
  return match ? { execBase: match[1]!, revision: Number(match[2]) } : { execBase: execId, revision: 0 };
}

/** Names one revision of one execution, in text order of revisions; the same name as the book's. */
export function fillKey({ execBase, revision }: ExecId): string {
  return `${execBase}#${String(revision).padStart(4, '0')}`;
}
