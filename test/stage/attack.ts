/** Request target that every WAF rule set blocks: a UNION SELECT in a query. */
export const ATTACK = '/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20-'
