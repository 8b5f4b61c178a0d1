/**
 * What takes the place of the SDK's chain of credential providers in a function's bundle (lib/stacks/bundle.ts): Lambda
 * hands a function its role's credentials in the environment, and renews them there.
 */
import { fromEnv } from '@aws-sdk/credential-provider-env';

export const defaultProvider = fromEnv;
