/** Reading the XML of S3 and of the AWS Query protocol. */

export function parseXml(text: string): Document {
  return new DOMParser().parseFromString(text, 'application/xml')
}

/** The children of that name, and of that name alone: AWS nests lists in lists. */
export function children(element: Element, name: string): Element[] {
  return [...element.children].filter((child) => child.tagName === name)
}

/** The text of a direct child; empty where there is none. */
export function textOf(element: Element, child: string): string {
  return children(element, child)[0]?.textContent ?? ''
}

/** Makes text safe to stand in XML. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
