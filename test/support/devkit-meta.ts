/**
 * `meta.mat` in the form of ImageNet's development kit, written by SciPy 1.17.1 (`savemat`, compressed): `synsets`,
 * four structs, of which the last is no class but what the others have in common.
 *
 *     1 n02119789, 2 training images · 2 n02100735, 1 · 3 n01440764, 3 · 4 n00001740
 */
export const devkitMeta = Buffer.from(
  [
    'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFNhdCBOb3YgMjggMTE6Mjc6MDAgMjAy',
    'NgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAAMAAAAHic42NgYPAA',
    'YjYg5oDSIMAK5TMCMROUBonll2SkFgFpTiAWYICBD/ZQhgMAcXAEKw8AAABdAQAAeJztlN9KwzAUxk91f2/GvPNyj5DOarer',
    'FVRwIF4o6GUZW2yDWwpNRPcGPpqPs0cwWbOZZhnFVtjNDhzSc8rvS08/kg4AfLcAGmIVC5xAFnVV10Q6Kpsi2ZIyzJl4X4Mz',
    '1f8SOb5/en687iO3H45vpMDLQ7Zu4yNJZ0xvRPOE5Rr0fRFOYzKfpZiuG7lio0ExD2NMopgrhKcTQkOymESYQUc0B/A7T8OY',
    'x9FSRlv1s1iNJB9ofM3CtzW+q2qK+q479AdD1Te/w6bTNHRk/UZ47zX5XPOogHdyvAORZd+/zQ87+5r8JnTeNm+ZfSvwwX/w',
    'AZTzHSH/4lKbo0inY+jI+pZGc8LinjhcHKe7Phz9Lz635flWBf9dz0P+lbdnDptO3dCRNcd0GsPR9zK+lee7FXwX4foe2jOH',
    'Tadh6MgaU0748lC+Z//vroA/NfjzLb8aqYdA1zvgPQ4/3I9O1w==',
  ].join(''),
  'base64',
);
