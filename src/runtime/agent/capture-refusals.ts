import type { DropReason } from '../../capture/mod.js';
import { EdgeError } from '../../core/mod.js';

/** Why a submitted capture was not taken, as its caller hears it. */
export function captureDropped(reason: DropReason, captureId: string): EdgeError {
  switch (reason) {
    case 'quota':
      return new EdgeError('SPOOL_QUOTA', 'Cannot take the capture as the spool has reached its quota');
    case 'no-space':
      return new EdgeError('DISK_FULL', 'Cannot take the capture as the disk is full');
    case 'overload':
      return new EdgeError('CAPTURES_WAITING', 'Cannot take the capture as too many wait for the disk', {
        retryAfterMs: 1000,
      });
    case 'duplicate':
      return captureIdTaken(captureId);
    case 'io-error':
      return new EdgeError('DISK_FAILED', 'Cannot take the capture as the disk failed', {
        retryAfterMs: 1000,
      });
    case 'closed':
      return new EdgeError('AGENT_STOPPING', 'Cannot take the capture as the agent is stopping', {
        retryAfterMs: 1000,
      });
  }
}

export function captureIdTaken(captureId: string): EdgeError {
  return new EdgeError('CAPTURE_ID_TAKEN', `Cannot capture under '${captureId}' as that id is taken`, {
    field: 'captureId',
  });
}

export function capturesWaiting(limit: number): EdgeError {
  return new EdgeError('CAPTURES_WAITING', `Cannot take the capture as ${limit} wait for the disk`, {
    retryAfterMs: 100,
  });
}
