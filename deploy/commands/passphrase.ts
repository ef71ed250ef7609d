/** Names the variable of the environment that unlocks a signing key. */
export const PASSPHRASE_VARIABLE = 'EDGE_MANAGER_KEY_PASSPHRASE';
