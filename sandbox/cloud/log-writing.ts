import type { Access, Iam } from './iam.ts';
import type { CloudModel, FunctionModel } from './model.ts';
import type { StatsCollector } from './stats.ts';

/** What writing into a stream of a log group needs. The ARN of a group, as the template has it, ends with `:*`. */
export function logWriting(group: string, stream: string): Access[] {
  const resource = `${group.replace(/:\*$/, '')}:log-stream:${stream}`;
  return ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({ action, resource }));
}

/**
 * Whether Lambda can write what a function prints. It does so under the function's role; without the permission the
 * function works, and its output is lost without a word. One stream stands here for those of all environments.
 */
export function mayWriteLog(
  { name, role }: FunctionModel,
  { logGroups, region, account }: Pick<CloudModel, 'logGroups' | 'region' | 'account'>,
  iam: Iam,
  stats: StatsCollector,
): boolean {
  const group =
    logGroups.find(({ functions }) => functions.includes(name))?.arn ??
    `arn:aws:logs:${region}:${account}:log-group:/aws/lambda/${name}`;
  const denial = iam.check(role.logicalId, logWriting(group, 'local'));
  if (denial === undefined) return true;
  stats.denied += 1;
  stats.problem(`the output of function ${name} is lost: ${denial.message}`);
  return false;
}
