/** The times of two `updateAccountTime` messages around what is measured: neither client does anything with them. */
export const BEGIN = '00:00';
export const END = '23:59';
