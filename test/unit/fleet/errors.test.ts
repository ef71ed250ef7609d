import assert from 'node:assert/strict';
import { fromAws } from '../../../deploy/cloud/aws/mod.js';

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

describe('fromAws', () => {
  it('names the permission, from the message or from the call', () => {
    const told = fromAws(
      'Cannot x',
      named('AccessDeniedException', 'not authorized to perform: iot:TagResource on y'),
    );
    assert.equal(told.nextStep, 'Give the caller the permission iot:TagResource');
    const silent = fromAws('Cannot x', named('ForbiddenException', 'Forbidden'), 'iot:GetThingShadow');
    assert.equal(silent.message, 'Cannot x: AWS denied it for want of iot:GetThingShadow');
  });

  it('tells keys that AWS does not know from keys that are not there', () => {
    for (const name of [
      'UnrecognizedClientException',
      'ExpiredTokenException',
      'InvalidSignatureException',
    ]) {
      const error = fromAws('Cannot x', named(name, 'no'));
      assert.equal(error.code, 'PERMISSION_DENIED');
      assert.match(error.nextStep ?? '', /Sign in again/);
    }
    assert.match(fromAws('Cannot x', named('CredentialsProviderError', 'no')).message, /no AWS credentials/);
  });
});
