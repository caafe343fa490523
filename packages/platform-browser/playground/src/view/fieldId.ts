/** The element of a member. */
export const fieldId = (name: string): string => `member-${name.replaceAll(/[^\w-]/g, "_")}`
