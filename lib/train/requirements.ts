export { requireRecipeFits } from './recipe';
