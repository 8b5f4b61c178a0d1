import { openStage } from '../../lib/aws/stage-access.ts';
import type { OpenPorts } from './session.ts';
import { stageNames } from './stage-names.ts';

/** Who a person is to the local cloud. */
const sandboxCredentials = { accessKeyId: 'operator', secretAccessKey: 'local' };

/**
 * The ports of a stage. Only where to call and as whom differs between the sandbox and a deployed stage; a stage's own
 * region counts for more than that of the environment.
 */
export const openPorts: OpenPorts = ({ stage, config, place }) =>
  openStage({
    names: stageNames(stage),
    retentionDays: config.candles.retentionDays,
    ...(place === undefined
      ? { region: config.aws.region }
      : { region: place.region, endpoint: place.endpoint, credentials: sandboxCredentials }),
  });
