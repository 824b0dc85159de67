/** Images of formats that no data set has, which decoders know all the same, whatever the file is called. */
export const otherFormats = {
  svg: '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>',
  gif: Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64'),
} as const;
