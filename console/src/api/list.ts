/** How every list of Craton's own API is answered. */
export interface Items<T> {
  items: T[]
}
