import { EdgeError, isJsonObject, validate } from '../../core/mod.js';
import {
  CapturePolicies,
  POLICY_SCHEMAS,
  reasonTag,
  type CapturePolicy,
  type PolicyType,
} from './policies.js';

/**
 * Configuration as policies, each checked against the schema of its type.
 * @throws INVALID_ARGUMENT that names the policy and the parameter
 */
export function parsePolicies(value: unknown): CapturePolicy[] {
  const policies = validate(CapturePolicies, value, 'Cannot use the capture policies').map(parsePolicy);
  const tags = new Set<string>();
  for (const policy of policies) {
    const tag = reasonTag(policy);
    if (tags.has(tag)) {
      throw new EdgeError('POLICY_INVALID', `Cannot use capture policy '${tag}' as it stands twice`, {
        field: 'policies',
        nextStep: "Give each policy of one type its own 'name'",
      });
    }
    tags.add(tag);
  }
  return policies;
}

function parsePolicy(value: unknown, index: number): CapturePolicy {
  const type = isJsonObject(value) ? value['type'] : undefined;
  if (!isPolicyType(type)) {
    throw new EdgeError(
      'POLICY_INVALID',
      `Cannot use the capture policies as 'policies[${index}].type' must be one of ${Object.keys(POLICY_SCHEMAS).join(', ')}: current value is ${JSON.stringify(type)}`,
      { field: `policies[${index}].type` },
    );
  }
  const policy = validate(
    POLICY_SCHEMAS[type],
    value,
    `Cannot use capture policy '${type}'`,
  ) as CapturePolicy;
  if (policy.type === 'threshold' && policy.above === undefined && policy.below === undefined) {
    throw new EdgeError(
      'POLICY_INVALID',
      `Cannot use capture policy '${reasonTag(policy)}' as it needs 'above' or 'below'`,
      { field: `policies[${index}]` },
    );
  }
  return policy;
}

function isPolicyType(type: unknown): type is PolicyType {
  return typeof type === 'string' && Object.hasOwn(POLICY_SCHEMAS, type);
}
