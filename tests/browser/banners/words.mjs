// What events name, in the words of most banners.

/**
 * A banner that asks for services: `table` is each service's category in Avow's words. A category whose services got different
 * answers is not named.
 */
export const services = (table) => (granted) => {
  const categories = {}
  for (const [service, category] of Object.entries(table)) {
    const answer = granted(service)
    categories[category] = category in categories && categories[category] !== answer ? undefined : answer
  }
  const services = Object.fromEntries(Object.keys(table).map((service) => [service, granted(service)]))
  return { categories: JSON.parse(JSON.stringify(categories)), services }
}

/** The subject in the cookie that the beacon keeps beside the record of a banner that has no room for it. */
export const besides = (cookies) => cookies.find(({ name }) => name === 'avow')?.value.split('.')[0]
