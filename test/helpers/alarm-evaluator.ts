/**
 * What CloudWatch makes of an alarm, by its user guide ("Configuring how CloudWatch alarms treat missing data"): it fetches more
 * periods than it evaluates. Of enough real values the latest are taken; where there are too few, as many missing ones are filled in
 * as are needed, as `TreatMissingData` says, beside all real ones.
 */
export interface AlarmRule {
  readonly threshold: number;
  readonly comparison: 'LessThanThreshold' | 'GreaterThanOrEqualToThreshold';
  /** N */
  readonly evaluationPeriods: number;
  /** M */
  readonly datapointsToAlarm: number;
  readonly treatMissingData: 'breaching' | 'notBreaching';
}

export type AlarmState = 'OK' | 'ALARM';

/** @param range the periods that were fetched, the oldest first; undefined: nothing was told in it */
export function stateOf(rule: AlarmRule, range: readonly (number | undefined)[]): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData } = rule;
  const real = range.filter((value) => value !== undefined).slice(-evaluationPeriods);
  const filled = treatMissingData === 'breaching' ? evaluationPeriods - real.length : 0;
  const bad = real.filter((value) => isBreaching(rule, value)).length + filled;
  return bad >= datapointsToAlarm ? 'ALARM' : 'OK';
}

/** The state after each period of a series. How much more than N is fetched is CloudWatch's own affair. */
export function statesOver(
  rule: AlarmRule,
  series: readonly (number | undefined)[],
  fetchedBeyond: number,
): AlarmState[] {
  const length = rule.evaluationPeriods + fetchedBeyond;
  return series.map((_, index) => {
    const upTo = series.slice(Math.max(0, index + 1 - length), index + 1);
    return stateOf(rule, upTo);
  });
}

function isBreaching({ threshold, comparison }: AlarmRule, value: number): boolean {
  return comparison === 'LessThanThreshold' ? value < threshold : value >= threshold;
}
